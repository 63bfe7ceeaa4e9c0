import { type AuditAction, type AuditEvent, auditActions } from '@keyturn/contract'
import type { QueryOf } from '@keyturn/sdk'
import { Button, Group, Select, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { changesIn } from '../keys/timeline.tsx'
import { IconDownload } from '../ui/icons.tsx'
import { Link } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { endOfDay, startOfDay, toWireTime } from '../words/time.ts'
import { actionInWords, count, sentence } from '../words/words.ts'

type Search = Partial<Record<'key' | 'actor' | 'action' | 'since' | 'until' | 'cursor', string>>
type AuditQuery = NonNullable<QueryOf<'GET /v1/organizations/{org}/audit-events'>>

/** Days of the reader, as moments of the API: from the beginning of the first to the end of the last. */
function queryOf({ since, until, cursor, ...search }: Search): AuditQuery {
  const [from, to] = [since && startOfDay(since), until && endOfDay(until)]
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- texts of an address; the API says which of them it does not know
    ...(search as AuditQuery),
    ...(typeof from === 'number' && { since: toWireTime(from) }),
    ...(typeof to === 'number' && { until: toWireTime(to) }),
    ...(cursor !== undefined && { cursor }),
  }
}

export function AuditPage() {
  const { org } = useParams({ from: '/$org/audit' })
  const search: Search = useSearch({ from: '/$org/audit' })
  const navigate = useNavigate({ from: '/$org/audit' })
  const may = useMay()
  const mayRead = may('audit:read')
  const events = useQuery({ ...queries.auditEvents(org, { ...queryOf(search), limit: 50 }), enabled: mayRead })
  const change = (changed: Search) => {
    const next = { ...search, cursor: undefined, ...changed }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is undefined is left out of the address
    void navigate({ search: next as Record<string, string> })
  }
  const { cursor: _, ...filters } = queryOf(search)
  const file = new URLSearchParams(
    Object.entries(filters).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  ).toString()
  const save = (ending: 'csv' | 'jsonl') => (
    <Button
      component="a"
      href={`/v1/organizations/${org}/audit-events.${ending}${file === '' ? '' : `?${file}`}`}
      download
      variant="default"
      leftSection={<IconDownload size={16} />}
    >
      {ending === 'csv' ? 'CSV' : 'JSON Lines'}
    </Button>
  )
  if (!mayRead)
    return (
      <Page title="Audit log">
        <MissingRight action="audit:read" doing="Reading the audit log" />
      </Page>
    )
  return (
    <Page
      title="Audit log"
      lead="Every change, who made it and when, in a chain that shows if anything was removed or altered."
      actions={
        <>
          {save('csv')}
          {save('jsonl')}
        </>
      }
    >
      {may('audit:verify') && <Chain org={org} />}
      <Section title="Events" flush>
        <Group gap="xs" p="sm" align="flex-end">
          <Select
            label="Action"
            placeholder="Every action"
            clearable
            searchable
            w="14rem"
            data={auditActions.map((action) => ({ value: action, label: actionLabel(action) }))}
            value={search.action ?? null}
            onChange={(action) => change({ action: action ?? undefined })}
          />
          <TextInput
            label="From"
            type="date"
            value={search.since ?? ''}
            onChange={(event) => change({ since: event.currentTarget.value || undefined })}
          />
          <TextInput
            label="Until"
            type="date"
            value={search.until ?? ''}
            onChange={(event) => change({ until: event.currentTarget.value || undefined })}
          />
          {(search.key ?? search.actor) !== undefined && (
            <Button variant="default" onClick={() => change({ key: undefined, actor: undefined })}>
              {search.key === undefined ? 'Of everybody' : 'Of all keys'}
            </Button>
          )}
        </Group>
        <div style={{ borderTop: '1px solid var(--keyturn-line)' }}>
          <Reading of={events}>
            {({ data, next_cursor }) =>
              data.length === 0 ? (
                <Empty title="No event matches">
                  <Button variant="default" size="compact-sm" onClick={() => void navigate({ search: {} })}>
                    Show all events
                  </Button>
                </Empty>
              ) : (
                <>
                  <Events org={org} list={data} onActor={(actor) => change({ actor })} />
                  <Pager
                    first={search.cursor === undefined}
                    next={next_cursor}
                    onFirst={() => change({})}
                    onNext={(cursor) => change({ cursor })}
                  />
                </>
              )
            }
          </Reading>
        </div>
      </Section>
    </Page>
  )
}

const actionLabel = (action: AuditAction): string => {
  const [what = '', done = ''] = action.replaceAll('_', ' ').split('.')
  return `${sentence(what)}: ${done}`
}

/** Walked from its first event to its last, when it is asked for. */
function Chain({ org }: { readonly org: string }) {
  const verdict = useQuery({ ...queries.auditVerification(org), staleTime: 300_000 })
  return (
    <Section
      title="The chain"
      actions={
        <Button variant="default" size="compact-sm" loading={verdict.isFetching} onClick={() => void verdict.refetch()}>
          Verify again
        </Button>
      }
    >
      <Reading of={verdict}>
        {({ intact, events, unsigned, fault }) => (
          <Text size="sm" component="div">
            {intact ? (
              <>
                <Status tone="good">Intact</Status>: {count(events, 'event')}, each with the hash of the one before it
                {unsigned > 0
                  ? `; the newest ${unsigned.toLocaleString()} will be under a signature within the hour.`
                  : ', all under a signature.'}
              </>
            ) : (
              <>
                <Status tone="bad">Broken</Status> at event {fault?.sequence}: {fault?.detail}
              </>
            )}
          </Text>
        )}
      </Reading>
    </Section>
  )
}

interface EventsProps {
  readonly org: string
  readonly list: readonly AuditEvent[]
  readonly onActor: (actor: string) => void
}

function Events({ org, list, onActor }: EventsProps) {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th>When</th>
          <th>Who</th>
          <th>What</th>
          <th>Of</th>
          <th>Change</th>
        </tr>
      </thead>
      <tbody>
        {list.map((event) => (
          <tr key={event.sequence}>
            <td className="nowrap">
              <When at={event.at} />
              <Text size="xs" className="soft">
                #{event.sequence}
              </Text>
            </td>
            <td data-label="Who">
              <button
                type="button"
                className="sort"
                style={{ fontWeight: 400 }}
                onClick={() => onActor(event.actor.id ?? event.actor.type)}
                title="Only what they did"
              >
                {event.actor.name}
              </button>
              <Text size="xs" className="soft">
                {event.address ?? ''}
              </Text>
            </td>
            <td className="nowrap">{sentence(actionInWords(event.action))}</td>
            <td data-label="Of">
              {event.target.type === 'key' ? (
                <Link to="/$org/keys/$key" params={{ org, key: event.target.id }}>
                  {event.target.name}
                </Link>
              ) : (
                event.target.name
              )}
            </td>
            <td>
              {changesIn(event).map((line) => (
                <Text key={line} size="xs" className="soft">
                  {line}
                </Text>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
