import type { Key } from '@keyturn/contract'
import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { RowSelectionState } from '@tanstack/react-table'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { IconDownload, IconPlus, IconUpload } from '../ui/icons.tsx'
import { Empty, Page } from '../ui/page.tsx'
import { Pager, pageByPage } from '../ui/pager.tsx'
import { Reading } from '../ui/problem.tsx'
import { BulkActions } from './bulk-actions.tsx'
import { ImportKeys } from './import-keys.tsx'
import { KeyActs } from './key-acts.tsx'
import { KeyFilters } from './key-filters.tsx'
import type { KeyAct } from './key-menu.tsx'
import { csvOf, type KeySearch, queryOf } from './key-search.ts'
import { KeyTable } from './key-table.tsx'
import { NewKey } from './new-key.tsx'

export function KeysPage() {
  const { org } = useParams({ from: '/$org/keys' })
  const search = useSearch({ from: '/$org/keys' })
  const navigate = useNavigate({ from: '/$org/keys' })
  const may = useMay()
  const [selection, setSelection] = useState<RowSelectionState>({})
  const [act, setAct] = useState<{ what: KeyAct; key: Key } | null>(null)
  const projects = useQuery(queries.projects(org))
  const list = useQuery(queries.keys(org, search.project, queryOf(search)))
  const change = (changed: Partial<Record<keyof KeySearch, string | undefined>>) => {
    setSelection({})
    const next = { ...search, cursor: undefined, ...changed } as KeySearch
    void navigate({ search: next, replace: !('cursor' in changed) })
  }
  const clear = () => {
    setSelection({})
    void navigate({ search: {} })
  }
  const project = projects.data?.find(({ id, slug }) => [id, slug].includes(search.project ?? ''))
  const likeKey = useQuery({ ...queries.key(search.like ?? ''), enabled: search.like !== undefined })
  const chosen = list.data?.data.filter(({ id }) => selection[id]) ?? []
  const mayCreate = may('keys:create', { projectId: project?.id ?? null })
  const isFiltered = Object.keys(search).some((name) => !['sort', 'new', 'project'].includes(name))
  return (
    <Page
      title={project ? `Keys of ${project.name}` : 'Keys'}
      lead={<Limit counts={list.data?.counts} limit={(project ?? onlyOne(projects.data))?.policy.max_active_keys} />}
      actions={
        <>
          <Button
            component="a"
            href={csvOf(org, search)}
            download
            variant="default"
            leftSection={<IconDownload size={16} />}
          >
            CSV
          </Button>
          {mayCreate ? (
            <>
              <Button
                variant="default"
                leftSection={<IconUpload size={16} />}
                onClick={() => change({ new: 'import', cursor: search.cursor })}
              >
                Import
              </Button>
              <Button
                leftSection={<IconPlus size={16} />}
                onClick={() => change({ new: 'key', cursor: search.cursor })}
              >
                New key
              </Button>
            </>
          ) : (
            <MissingRight action="keys:create" doing="Creating and importing keys" />
          )}
        </>
      }
    >
      <section className="card" aria-label="List of keys">
        <KeyFilters
          search={search}
          counts={list.data?.counts}
          projects={projects.data ?? []}
          onChange={change}
          onClear={clear}
        />
        <div style={{ borderTop: '1px solid var(--keyturn-line)' }}>
          <BulkActions keys={chosen} onDone={() => setSelection({})} />
          <Reading of={list}>
            {({ data, next_cursor }) => (
              <>
                {data.length === 0 ? (
                  <Nothing filtered={isFiltered} onClear={clear} />
                ) : (
                  <KeyTable
                    keys={data}
                    sort={search.sort ?? 'next_expiry_at'}
                    onSort={(sort) => change({ sort: sort === 'next_expiry_at' ? undefined : sort })}
                    selection={selection}
                    onSelection={setSelection}
                    onAct={(what, key) => setAct({ what, key })}
                  />
                )}
                <Pager
                  first={search.cursor === undefined}
                  next={next_cursor}
                  onFirst={() => change({ cursor: undefined })}
                  onNext={(cursor) => change({ cursor })}
                  words={pageByPage}
                  size="compact-md"
                />
              </>
            )}
          </Reading>
        </div>
      </section>
      <KeyActs act={act} onClose={() => setAct(null)} />
      {search.new === 'import' && projects.data && mayCreate && (
        <ImportKeys
          projects={projects.data.filter(({ id }) => may('keys:create', { projectId: id }))}
          project={project?.id}
          onClose={() => change({ new: undefined })}
        />
      )}
      {search.new === 'key' && projects.data && (search.like === undefined || likeKey.data) && mayCreate && (
        <NewKey
          projects={projects.data}
          project={project?.id}
          like={likeKey.data}
          onClose={() => change({ new: undefined, like: undefined })}
        />
      )}
    </Page>
  )
}

const onlyOne = <T,>(list: readonly T[] | undefined): T | undefined => (list?.length === 1 ? list[0] : undefined)

interface LimitProps {
  readonly counts: { readonly active: number | string; readonly disabled: number | string } | undefined
  readonly limit: number | undefined
}

/** What counts against the limit of a project: active ones and disabled ones. */
function Limit({ counts, limit }: LimitProps) {
  if (!counts) return null
  const { active, disabled } = counts
  const used = typeof active === 'number' && typeof disabled === 'number' ? active + disabled : active
  if (limit === undefined) return <>{used.toLocaleString()} keys that work or could be enabled.</>
  return (
    <>
      <strong>
        {used.toLocaleString()} of {limit.toLocaleString()}
      </strong>{' '}
      keys that the policy allows here.
    </>
  )
}

function Nothing({ filtered, onClear }: { readonly filtered: boolean; readonly onClear: () => void }) {
  if (filtered)
    return (
      <Empty title="No key matches">
        <Text size="sm" mb="xs">
          Search looks for the starts of words. Revoked keys are shown only when they are asked for.
        </Text>
        <Button variant="default" size="compact-sm" onClick={onClear}>
          Show all keys
        </Button>
      </Empty>
    )
  return (
    <Empty title="No keys yet">
      A key lets one integration call your API. Make one for each: then each can end, be rotated or be revoked without
      the others noticing.
    </Empty>
  )
}
