import { type AuditAction, type AuditEvent, auditActions } from '@keyturn/contract'
import type { Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { findHead, readChainWithout, type StoredEvent } from './audit-store.ts'
import { insertFollowers, listBehind, lockFollower, moveFollower } from './follower-store.ts'
import { toEvent } from './list-events.ts'

// A batch is one transaction: few enough that nobody waits long for its locks, enough that a trail is walked quickly.
const mostAtOnce = 500
// What nobody follows is passed over where it lies: an import leaves ten thousand events, of which none is told of.
const passedAtOnce = 20_000

/**
 * What is to be done after events, in the transaction that also notes that it was done: it happens exactly once, or, where it throws,
 * not at all and then again with the same events or more. It must not wait for anything but the database.
 *
 * @param events of one organization and of the actions that are followed, in the order of its chain
 */
export type HandleEvents = (tx: Tx, organizationId: string, events: readonly AuditEvent[]) => Promise<void>

/**
 * Hands every sealed event of these actions that this follower has not yet seen to `handle`, whatever the number of nodes that call this at once.
 * An organization begins at its first event; those that were there before followers were, at where their trail stood then.
 *
 * One batch per organization and round, so that a long trail keeps nobody waiting. Where `handle` throws for one organization the
 * others are still served, and the first error is thrown at the end.
 *
 * @returns how many events were handled
 */
export async function followEvents(
  ground: Ground,
  follower: string,
  actions: readonly AuditAction[],
  handle: HandleEvents,
): Promise<number> {
  const passed = auditActions.filter((action) => !actions.includes(action))
  const failed = new Map<string, unknown>()
  let handled = 0
  for (;;) {
    const behind = (await listBehind(ground.reader, follower)).filter(({ id }) => !failed.has(id))
    const added = behind.filter(({ isNew }) => isNew).map(({ id }) => id)
    if (added.length > 0) await insertFollowers(ground.reader, follower, added)
    let moved = 0
    for (const { id } of behind) {
      try {
        const step = await followOne(ground, id, follower, passed, handle)
        handled += step.handled
        moved += step.moved
      } catch (error) {
        failed.set(id, error)
      }
    }
    if (moved === 0) break
  }
  for (const error of failed.values()) throw error
  return handled
}

async function followOne(
  ground: Ground,
  organizationId: string,
  follower: string,
  passed: readonly AuditAction[],
  handle: HandleEvents,
): Promise<{ handled: number; moved: number }> {
  return ground.change(async (tx) => {
    const after = await lockFollower(tx, organizationId, follower)
    if (after === undefined) return { handled: 0, moved: 0 }
    // Read before the events: where retention has cut all that there was up to it, the follower still moves on.
    const head = (await findHead(tx, organizationId))?.sequence ?? 0
    const range = { afterSequence: after, throughSequence: Math.min(head, after + passedAtOnce) }
    const stored = await readChainWithout(tx, organizationId, range, passed, mostAtOnce)
    const events = stored.slice(0, knownLength(stored)).map(toEvent)
    if (events.length > 0) await handle(tx, organizationId, events)
    const through = reached(range.throughSequence, stored, events)
    if (through > after) await moveFollower(tx, organizationId, follower, through)
    return { handled: events.length, moved: Math.max(0, through - after) }
  })
}

/** Up to the end of the stretch; where there is more in it than was read, or something unknown, up to that. */
function reached(through: number, stored: readonly StoredEvent[], events: readonly AuditEvent[]): number {
  const unknown = stored[events.length]
  if (unknown) return unknown.sequence - 1
  return (stored.length === mostAtOnce && events.at(-1)?.sequence) || through
}

const known = new Set<unknown>(auditActions)

/** Up to the first event that a newer version has written: this one would not know what to do about it, and leaves it to a node that does. */
function knownLength(stored: readonly StoredEvent[]): number {
  const unknown = stored.findIndex(({ body }) => {
    const event: unknown = JSON.parse(body)
    return typeof event !== 'object' || event === null || !('action' in event) || !known.has(event.action)
  })
  return unknown === -1 ? stored.length : unknown
}
