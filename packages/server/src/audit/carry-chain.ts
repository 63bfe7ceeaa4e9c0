import { DomainError } from '../kernel/errors.ts'
import type { Reader, Tx } from '../storage/database.ts'
import {
  type EventRange,
  findHead,
  insertChain,
  listEventsWithin,
  type StoredEvent,
  startChain,
} from './audit-store.ts'
import { startFollowers } from './follower-store.ts'

/** Where the trail of an organization stands. An organization is born with an event. @throws DomainError organization_not_found */
export async function readHead(
  reader: Reader,
  organizationId: string,
): Promise<{ readonly sequence: number; readonly hash: Uint8Array }> {
  const head = await findHead(reader, organizationId)
  if (!head) throw new DomainError('organization_not_found')
  return head
}

/** Oldest first, as they were stored. */
export function readEventsWithin(
  reader: Reader,
  organizationId: string,
  range: EventRange,
  limit: number,
): Promise<StoredEvent[]> {
  return listEventsWithin(reader, organizationId, { projects: null, limit }, range)
}

/** Events of another installation, verbatim. The caller has checked that they are links of one chain. */
export async function restoreEvents(tx: Tx, organizationId: string, events: readonly StoredEvent[]): Promise<void> {
  await insertChain(tx, organizationId, events)
}

/**
 * The chain goes on from there. Whoever follows it begins there too: what happened elsewhere was announced there, and nobody is told of years of
 * history.
 */
export async function restoreHead(
  tx: Tx,
  organizationId: string,
  head: { readonly sequence: number; readonly hash: Uint8Array },
): Promise<void> {
  await startChain(tx, organizationId, head)
  await startFollowers(tx, organizationId, head.sequence)
}
