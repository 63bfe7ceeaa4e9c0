import type { Key, KeySort } from '@keyturn/contract'
import { Badge, Checkbox, Group, Text, VisuallyHidden } from '@mantine/core'
import {
  createColumnHelper,
  type RowSelectionState,
  rowSelectionFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import type { ReactNode } from 'react'
import { useOrg } from '../app/me.tsx'
import { CopyIcon } from '../ui/copy.tsx'
import { Link } from '../ui/link.tsx'
import { KeyStatus } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { actionInWords, kindWords } from '../words/words.ts'
import { type KeyAct, KeyMenu } from './key-menu.tsx'

const features = tableFeatures({ rowSelectionFeature })
const helper = createColumnHelper<typeof features, Key>()

/** What a column is sorted by, as the API knows it. */
const sortOf: Readonly<Record<string, KeySort>> = {
  name: 'name',
  expires: 'next_expiry_at',
  used: 'last_used_at',
  owner: 'created_at',
}

const columns = helper.columns([
  helper.accessor('name', { header: 'Name', cell: ({ row }) => <NameCell of={row.original} /> }),
  helper.display({ id: 'value', header: 'Value, kind', cell: ({ row }) => <ValueCell of={row.original} /> }),
  helper.accessor('status', { header: 'Status', cell: ({ row }) => <KeyStatus of={row.original} /> }),
  helper.accessor('next_expiry_at', {
    id: 'expires',
    header: 'Ends',
    cell: ({ getValue }) => <When at={getValue()} />,
  }),
  helper.accessor('last_used_at', {
    id: 'used',
    header: 'Last used',
    cell: ({ getValue }) => <When at={getValue()} />,
  }),
  helper.accessor('owner', { header: 'Owner', cell: ({ row }) => <OwnerCell of={row.original} /> }),
  helper.display({ id: 'action', header: 'Last action', cell: ({ row }) => <ActionCell of={row.original} /> }),
])

interface KeyTableProps {
  readonly keys: readonly Key[]
  readonly sort: string
  readonly onSort: (sort: string) => void
  readonly selection: RowSelectionState
  readonly onSelection: (selection: RowSelectionState) => void
  readonly onAct: (act: KeyAct, key: Key) => void
}

export function KeyTable({ keys, sort, onSort, selection, onSelection, onAct }: KeyTableProps) {
  const table = useTable({
    features,
    columns,
    data: keys,
    getRowId: (key) => key.id,
    state: { rowSelection: selection },
    onRowSelectionChange: (change) => onSelection(typeof change === 'function' ? change(selection) : change),
  })
  return (
    <table className="rows">
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            <th style={{ width: '1.5rem' }}>
              <Checkbox
                size="xs"
                aria-label="Select all on this page"
                checked={table.getIsAllRowsSelected()}
                indeterminate={table.getIsSomeRowsSelected() && !table.getIsAllRowsSelected()}
                onChange={table.getToggleAllRowsSelectedHandler()}
              />
            </th>
            {group.headers.map((header) => (
              <Head key={header.id} id={header.column.id} sort={sort} onSort={onSort}>
                <table.FlexRender header={header} />
              </Head>
            ))}
            <th>
              <VisuallyHidden>Actions</VisuallyHidden>
            </th>
          </tr>
        ))}
      </thead>
      <tbody>
        {table.getRowModel().rows.map((row) => (
          <tr key={row.id}>
            <td className="pick">
              <Checkbox
                size="xs"
                aria-label={`Select ${row.original.name}`}
                checked={row.getIsSelected()}
                onChange={row.getToggleSelectedHandler()}
              />
            </td>
            {row.getAllCells().map((cell) => (
              <td key={cell.id} {...labelOf(cell.column.id)} className={`c-${cell.column.id}`}>
                <table.FlexRender cell={cell} />
              </td>
            ))}
            <td className="act">
              <KeyMenu of={row.original} onAct={(act) => onAct(act, row.original)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Said before the value where a telephone has no heads of columns. */
const labels: Readonly<Record<string, string>> = {
  expires: 'Ends',
  used: 'Last used',
  owner: 'Owner',
  action: 'Last action',
}
const labelOf = (id: string) => (labels[id] === undefined ? {} : { 'data-label': labels[id] })

interface HeadProps {
  readonly id: string
  readonly sort: string
  readonly onSort: (sort: string) => void
  readonly children: ReactNode
}

function Head({ id, sort, onSort, children }: HeadProps) {
  const own = id === 'owner' ? undefined : sortOf[id]
  if (own === undefined) return <th>{children}</th>
  const direction = sort === own ? 'ascending' : sort === `-${own}` ? 'descending' : 'none'
  return (
    <th aria-sort={direction}>
      <button type="button" className="sort" onClick={() => onSort(sort === own ? `-${own}` : own)}>
        {children}
        <span aria-hidden="true">{direction === 'ascending' ? ' ↑' : direction === 'descending' ? ' ↓' : ''}</span>
      </button>
    </th>
  )
}

function NameCell({ of: key }: { readonly of: Key }) {
  const org = useOrg()
  return (
    <>
      <Group gap={6} wrap="nowrap">
        <Link to="/$org/keys/$key" params={{ org, key: key.id }} fw={600} size="sm">
          {key.name}
        </Link>
        {key.legacy && (
          <Badge size="xs" color="gray" variant="outline" style={{ flex: 'none' }}>
            Legacy
          </Badge>
        )}
      </Group>
      {key.purpose !== null && (
        <Text size="xs" className="soft" lineClamp={2}>
          {key.purpose}
        </Text>
      )}
    </>
  )
}

function ValueCell({ of: key }: { readonly of: Key }) {
  const hint = key.secrets[0]?.hint
  return (
    <>
      <Group gap={2} wrap="nowrap">
        <span className="mono nowrap" title={key.id}>
          {hint ?? 'no secret'}
        </span>
        <CopyIcon text={key.id} what={`the id of ${key.name}`} />
      </Group>
      <Text size="xs" className="soft">
        {kindWords[key.kind].name}
        {key.environment === 'test' ? ', test' : ''}
      </Text>
    </>
  )
}

const OwnerCell = ({ of: key }: { readonly of: Key }) => (
  <>
    <div className="clip" title={key.owner ?? ''}>
      {key.owner ?? 'nobody'}
    </div>
    <Text size="xs" className="soft clip">
      made by {key.created_by.name}
    </Text>
  </>
)

const ActionCell = ({ of: key }: { readonly of: Key }) => (
  <div title={`by ${key.last_action.actor.name}`}>
    <div className="clip">{actionInWords(key.last_action.action)}</div>
    <Text size="xs" className="soft clip">
      <When at={key.last_action.at} /> by {key.last_action.actor.name}
    </Text>
  </div>
)
