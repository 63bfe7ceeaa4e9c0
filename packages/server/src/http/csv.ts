import type { AuditEvent, Key } from '@keyturn/contract'
import { stringify } from 'csv-stringify/sync'

const columns = [
  'id',
  'name',
  'project_id',
  'kind',
  'environment',
  'status',
  'legacy',
  'expiring',
  'next_expiry_at',
  'expires_at',
  'never_expires',
  'last_used_at',
  'last_refused_at',
  'last_refused_code',
  'owner',
  'contact',
  'purpose',
  'scopes',
  'hint',
  'created_at',
  'created_by',
  'last_action',
  'last_action_by',
  'last_action_at',
] as const

/**
 * A cell that a spreadsheet would run as a formula is text instead: a quote before it, as OWASP's "CSV Injection" advises. Full-width
 * forms of the same characters are read as formulas by some, too.
 */
export function harmless(cell: string): string {
  return /^[=+\-@\t\r\n＝＋－＠]/.test(cell) ? `'${cell}` : cell
}

export const csvHeader = (): string => toCsv([[...columns]])

export function toCsvRows(keys: readonly Key[]): string {
  return toCsv(keys.map((key) => columns.map((column) => harmless(String(cellOf(key, column) ?? '')))))
}

function cellOf(key: Key, column: (typeof columns)[number]): string | boolean | null | undefined {
  const live = key.secrets.find((secret) => secret.status === 'live')
  if (column === 'last_refused_at') return key.last_refused?.at
  if (column === 'last_refused_code') return key.last_refused?.code
  if (column === 'scopes') return key.scopes.join(' ')
  if (column === 'hint') return (live ?? key.secrets[0])?.hint
  if (column === 'created_by') return key.created_by.name
  if (column === 'last_action') return key.last_action.action
  if (column === 'last_action_by') return key.last_action.actor.name
  if (column === 'last_action_at') return key.last_action.at
  return key[column]
}

const eventColumns = [
  'sequence',
  'at',
  'action',
  'actor_type',
  'actor_id',
  'actor_name',
  'project_id',
  'target_type',
  'target_id',
  'target_name',
  'before',
  'after',
  'address',
  'request_id',
  'hash',
] as const

export const eventCsvHeader = (): string => toCsv([[...eventColumns]])

export function toEventCsvRows(events: readonly AuditEvent[]): string {
  return toCsv(
    events.map(({ actor, target, before, after, ...event }) => {
      const cells = {
        ...event,
        actor_type: actor.type,
        actor_id: actor.id,
        actor_name: actor.name,
        target_type: target.type,
        target_id: target.id,
        target_name: target.name,
        before: before && JSON.stringify(before),
        after: after && JSON.stringify(after),
      }
      return eventColumns.map((column) => harmless(String(cells[column] ?? '')))
    }),
  )
}

/** RFC 4180: CRLF, quotes where they are needed. */
export const toCsv = (rows: readonly (readonly string[])[]): string =>
  stringify(
    rows.map((row) => [...row]),
    { record_delimiter: 'windows' },
  )
