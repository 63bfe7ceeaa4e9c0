import type { AuditEvent } from '@keyturn/contract'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import { findLastSequence, listEventsWithin } from './audit-store.ts'
import { type AuditEventQuery, toEvent, toFilter } from './list-events.ts'
import { recordChange } from './record-change.ts'

const step = 500

/** An event with the very text that its hash is over, so that whoever has the export can check the chain. */
export interface ExportedEvent {
  readonly event: AuditEvent
  readonly text: string
}

/**
 * All events that match, oldest first, page by page: an export of any size costs no more memory than a page. It ends with what
 * there was when it began, and is on record itself.
 *
 * @throws DomainError insufficient_scope
 */
export async function exportAuditEvents(
  call: Call,
  organizationId: string | null,
  query: Omit<AuditEventQuery, 'limit' | 'cursor'>,
  format: 'csv' | 'jsonl',
): Promise<AsyncIterable<readonly ExportedEvent[]>> {
  requireScope(call.caller, 'audit:read')
  const throughSequence = await findLastSequence(call.reader, organizationId)
  await call.change(async (tx) => {
    await recordChange(tx, call, await call.now(tx), {
      action: 'audit.exported',
      organizationId,
      projectId: null,
      target:
        organizationId === null
          ? { type: 'installation', id: 'installation', name: 'Keyturn' }
          : { type: 'organization', id: organizationId, name: organizationId },
      before: null,
      after: { format, filter: { ...query }, through: throughSequence },
      affects: null,
    })
  })
  return pages(call, organizationId, query, throughSequence)
}

async function* pages(
  call: Call,
  organizationId: string | null,
  query: Omit<AuditEventQuery, 'limit' | 'cursor'>,
  throughSequence: number,
): AsyncGenerator<readonly ExportedEvent[]> {
  const filter = { ...toFilter(call, query), limit: step }
  for (let afterSequence = 0; ; ) {
    const events = await listEventsWithin(call.reader, organizationId, filter, { afterSequence, throughSequence })
    if (events.length > 0) yield events.map((stored) => ({ event: toEvent(stored), text: stored.body }))
    const last = events.at(-1)
    if (!last || events.length < step) return
    afterSequence = last.sequence
  }
}
