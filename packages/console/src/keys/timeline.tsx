import type { AuditEvent, Key } from '@keyturn/contract'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay, useOrg } from '../app/me.tsx'
import { Link } from '../ui/link.tsx'
import { Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { When } from '../ui/when.tsx'
import { durationInWords, parseTime, shortTime } from '../words/time.ts'
import { actionInWords, sentence } from '../words/words.ts'

/** All that happened to the key, newest first. */
export function Timeline({ of: key }: { readonly of: Key }) {
  const may = useMay()
  const mayRead = may('audit:read', { projectId: key.project_id })
  return (
    <Section title="History" {...(mayRead && { actions: <WholeHistory of={key} /> })}>
      {mayRead ? (
        <Events of={key} />
      ) : (
        <>
          <Text size="sm">
            {sentence(actionInWords(key.last_action.action))} <When at={key.last_action.at} /> by{' '}
            {key.last_action.actor.name}.
          </Text>
          <MissingRight action="audit:read" doing="Reading the whole history" />
        </>
      )}
    </Section>
  )
}

function WholeHistory({ of: key }: { readonly of: Key }) {
  const org = useOrg()
  return (
    <Link to="/$org/audit" params={{ org }} search={{ key: key.id }} size="sm">
      In the audit log
    </Link>
  )
}

function Events({ of: key }: { readonly of: Key }) {
  const org = useOrg()
  const events = useQuery(queries.auditEvents(org, { key: key.id, limit: 20 }))
  return (
    <Reading of={events}>
      {({ data }) => (
        <ol className="timeline">
          {data.map((event) => (
            <li key={event.sequence}>
              <strong>{sentence(actionInWords(event.action))}</strong> <When at={event.at} /> by {event.actor.name}
              {changesIn(event).map((line) => (
                <Text key={line} size="xs" className="soft">
                  {line}
                </Text>
              ))}
            </li>
          ))}
        </ol>
      )}
    </Reading>
  )
}

/** What an event says in seconds. */
const durations =
  /^(default_lifetime|max_lifetime|default_overlap|max_overlap|reminder_thresholds|rotate_every|review_every|idle_after)$/

function inWords(field: string, value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? shortTime(parseTime(value)) : value
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((one) => inWords(field, one)).join(', ')
  if (typeof value === 'number') return durations.test(field) ? durationInWords(value) : value.toLocaleString()
  return JSON.stringify(value)
}

/** "name: Zapier, now Zapier staging", of what is short enough to be read. */
export function changesIn({ before, after }: Pick<AuditEvent, 'before' | 'after'>): string[] {
  if (!before || !after) return []
  return Object.keys(after)
    .map((field) => ({ field, was: inWords(field, before[field]), is: inWords(field, after[field]) }))
    .filter(({ was, is }) => was !== is)
    .map(({ field, was, is }) => `${field.replaceAll('_', ' ')}: ${was}, now ${is}`)
    .filter((line) => line.length < 160)
}
