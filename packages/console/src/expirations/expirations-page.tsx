import type { Expiration } from '@keyturn/contract'
import type { QueryOf } from '@keyturn/sdk'
import { Button, Group, Select, SimpleGrid, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { queries } from '../api/queries.ts'
import { useNow } from '../clock.ts'
import { Bars } from '../ui/bars.tsx'
import { IconDownload } from '../ui/icons.tsx'
import { Link } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { Pager, pageByPage } from '../ui/pager.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status, type Tone } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { dayMs, dayOf, parseTime, shortDayOf } from '../words/time.ts'
import { count, expirationWords } from '../words/words.ts'
import { FeedTokens } from './feed-tokens.tsx'
import { TrackedCredentials } from './tracked-credentials.tsx'
import { barsOf, WeekLegend } from './week-bars.tsx'

type Search = Partial<Record<'type' | 'kind' | 'status' | 'owner' | 'project' | 'in_use' | 'within' | 'cursor', string>>
type ExpirationQuery = NonNullable<QueryOf<'GET /v1/organizations/{org}/expirations'>>

/** Without the page: what the file has. */
function filtersOf({ cursor: _, ...filters }: Search): Record<string, string> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined))
}

export function ExpirationsPage() {
  const { org } = useParams({ from: '/$org/expirations' })
  const search: Search = useSearch({ from: '/$org/expirations' })
  const navigate = useNavigate({ from: '/$org/expirations' })
  const projects = useQuery(queries.projects(org)).data ?? []
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- texts of an address; the API says which of them it does not know
  const query = { ...search, limit: 50 } as ExpirationQuery
  const list = useQuery(queries.expirations(org, query))
  const change = (changed: Search) => {
    const next = { ...search, cursor: undefined, ...changed }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is undefined is left out of the address
    void navigate({ search: next as Record<string, string> })
  }
  const file = new URLSearchParams(filtersOf(search)).toString()
  const choice = (name: keyof Search, label: string, placeholder: string, data: { value: string; label: string }[]) => (
    <Select
      aria-label={label}
      placeholder={placeholder}
      clearable
      style={{ flex: '1 1 9.5rem', maxWidth: '13rem' }}
      data={data}
      value={search[name] ?? null}
      onChange={(value) => change({ [name]: value ?? undefined })}
    />
  )
  return (
    <Page
      title="Expirations"
      lead="Everything that ends: each secret, each overlap, each rotation that the policy wants, and credentials that others issued."
      actions={
        <Button
          component="a"
          href={`/v1/organizations/${org}/expirations.csv${file === '' ? '' : `?${file}`}`}
          download
          variant="default"
          leftSection={<IconDownload size={16} />}
        >
          CSV
        </Button>
      }
    >
      <Year org={org} />
      <Section title="What ends when" flush>
        <Group gap="xs" p="sm">
          {choice('within', 'Within', 'At any time', [
            { value: '7d', label: 'Within 7 days' },
            { value: '14d', label: 'Within 14 days' },
            { value: '30d', label: 'Within 30 days' },
            { value: '90d', label: 'Within 90 days' },
          ])}
          {choice('in_use', 'Use', 'In use or not', [
            { value: 'true', label: 'In use' },
            { value: 'false', label: 'Not in use' },
          ])}
          {choice('type', 'What', 'Ends and rotations', [
            { value: 'expiry', label: 'Ends' },
            { value: 'overlap_end', label: 'Ends of overlaps' },
            { value: 'rotation_due', label: 'Rotations due' },
          ])}
          {choice('status', 'Status', 'Any status', [
            { value: 'overdue', label: 'Overdue' },
            { value: 'upcoming', label: 'To come' },
            { value: 'never', label: 'Never ends' },
            { value: 'ended', label: 'Ended' },
          ])}
          {projects.length > 1 &&
            choice(
              'project',
              'Project',
              'All projects',
              projects.map(({ id, name }) => ({ value: id, label: name })),
            )}
        </Group>
        <div style={{ borderTop: '1px solid var(--keyturn-line)' }}>
          <Reading of={list}>
            {({ data, next_cursor }) =>
              data.length === 0 ? (
                <Empty title="Nothing matches">
                  <Button variant="default" size="compact-sm" onClick={() => void navigate({ search: {} })}>
                    Show everything
                  </Button>
                </Empty>
              ) : (
                <>
                  <ExpirationTable org={org} list={data} />
                  <Pager
                    first={search.cursor === undefined}
                    next={next_cursor}
                    onFirst={() => change({})}
                    onNext={(cursor) => change({ cursor })}
                    words={pageByPage}
                  />
                </>
              )
            }
          </Reading>
        </div>
      </Section>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <TrackedCredentials org={org} />
        <FeedTokens org={org} />
      </SimpleGrid>
    </Page>
  )
}

/** A year by week, and the days on which many end together. */
function Year({ org }: { readonly org: string }) {
  const forecast = useQuery(queries.forecast(org))
  return (
    <Section title="The year by week">
      <Reading of={forecast}>
        {({ weeks, crowded_days, later, never, overdue }) => {
          const ticks = weeks
            .filter((_, index) => index % 13 === 0)
            .map(({ starts_on }) => shortDayOf(parseTime(starts_on)))
          return (
            <Bars label="What ends, by week of the year" bars={barsOf(weeks)} ticks={ticks}>
              <WeekLegend />
              <Text size="sm" mt="xs">
                {overdue > 0 && `${count(overdue, 'rotation')} overdue. `}
                {later > 0 && `${later.toLocaleString()} later than that. `}
                {never > 0 && `${never.toLocaleString()} never ${never === 1 ? 'ends' : 'end'}. `}
                {crowded_days.length > 0 &&
                  `Many end together on ${crowded_days.map(({ date, count: many }) => `${dayOf(parseTime(date))} (${many})`).join(', ')}.`}
              </Text>
            </Bars>
          )
        }}
      </Reading>
    </Section>
  )
}

function ExpirationTable({ org, list }: { readonly org: string; readonly list: readonly Expiration[] }) {
  const now = useNow()
  return (
    <table className="rows">
      <thead>
        <tr>
          <th>Name</th>
          <th>What</th>
          <th>When</th>
          <th>In use</th>
          <th>Owner</th>
        </tr>
      </thead>
      <tbody>
        {list.map((one) => (
          <tr key={one.id}>
            <td className="c-name">
              {one.key_id === null ? (
                <strong>{one.name}</strong>
              ) : (
                <Link to="/$org/keys/$key" params={{ org, key: one.key_id }} fw={600}>
                  {one.name}
                </Link>
              )}
              <Text size="xs" className="soft">
                <span className="mono">{one.hint ?? ''}</span>
                {one.kind === 'tracked' && `tracked${one.issuer === null ? '' : `, of ${one.issuer}`}`}
                {one.management && ' · management key'}
                {one.legacy && ' · legacy'}
              </Text>
            </td>
            <td>
              <Status tone={toneOf(one, now)}>{wordOf(one)}</Status>
            </td>
            <td data-label="When">
              <When at={one.at} />
              {one.at !== null && (
                <Text size="xs" className="soft" component="div">
                  {dayOf(parseTime(one.at))}
                </Text>
              )}
            </td>
            <td data-label="In use">
              {one.in_use === null ? (
                <span className="soft">cannot be known</span>
              ) : one.last_used_at === null ? (
                'never called'
              ) : (
                <>
                  {one.in_use ? 'yes, ' : 'no, '}
                  <When at={one.last_used_at} />
                </>
              )}
            </td>
            <td data-label="Owner" className="c-owner">
              <span className="clip" style={{ display: 'inline-block', maxWidth: '14rem' }} title={one.owner ?? ''}>
                {one.owner ?? 'nobody'}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Amber is for what is in use and ends within a month: a list that is all amber says nothing. */
function toneOf({ status, in_use, at }: Expiration, now: number): Tone {
  if (status === 'overdue') return 'bad'
  if (status === 'never') return 'good'
  return status === 'upcoming' && in_use === true && at !== null && parseTime(at) - now < 30 * dayMs ? 'warn' : 'idle'
}

function wordOf({ status, type, disabled }: Expiration): string {
  const word =
    status === 'ended'
      ? 'Ended'
      : status === 'never'
        ? 'Never ends'
        : status === 'overdue'
          ? 'Rotation overdue'
          : expirationWords[type]
  return disabled ? `${word}, disabled` : word
}
