import { type AuditEvent, auditEventSchema } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, parseInstant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import { type EventFilter, listEvents, type StoredEvent } from './audit-store.ts'

export interface AuditEventQuery {
  readonly key?: string | undefined
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/**
 * Newest first. A caller that does not reach all projects sees the events of those it reaches, and none that are about the
 * organization itself.
 *
 * @throws DomainError insufficient_scope, invalid_cursor
 */
export async function listAuditEvents(
  call: Call,
  organizationId: string | null,
  query: AuditEventQuery,
): Promise<{ data: AuditEvent[]; next_cursor: string | null }> {
  requireScope(call.caller, 'audit:read')
  const filter: EventFilter = {
    ...toFilter(call, query),
    limit: query.limit + 1,
    ...(query.cursor === undefined ? {} : { beforeSequence: parseCursor(query.cursor) }),
  }
  const events = await listEvents(call.reader, organizationId, filter)
  const page = events.slice(0, query.limit)
  const last = page.at(-1)
  return {
    data: page.map(toEvent),
    next_cursor: events.length > query.limit && last ? String(last.sequence) : null,
  }
}

export function toFilter(call: Call, query: Omit<AuditEventQuery, 'limit' | 'cursor'>): Omit<EventFilter, 'limit'> {
  return {
    projects: call.caller.projects === null ? null : [...call.caller.projects],
    ...(query.key === undefined ? {} : { keyId: query.key }),
    ...(query.actor === undefined ? {} : { actor: query.actor }),
    ...(query.action === undefined ? {} : { action: query.action }),
    ...(query.since === undefined ? {} : { since: formatTime(parseInstant(query.since)) }),
    ...(query.until === undefined ? {} : { until: formatTime(parseInstant(query.until)) }),
  }
}

export const toEvent = ({ sequence, hash, body }: StoredEvent): AuditEvent =>
  auditEventSchema.parse({ sequence, hash: Buffer.from(hash).toString('hex'), ...parseBody(body) })

function parseBody(body: string): object {
  const value: unknown = JSON.parse(body)
  return typeof value === 'object' && value !== null ? value : {}
}

function parseCursor(cursor: string): number {
  if (!/^[1-9]\d{0,14}$/.test(cursor)) throw new DomainError('invalid_cursor')
  return Number(cursor)
}
