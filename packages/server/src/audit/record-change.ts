import { isDeepStrictEqual } from 'node:util'
import type { Actor, AuditAction } from '@keyturn/contract'
import { formatTime, type Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import type { ChangedKind } from '../storage/schema.ts'
import { putAllIntoOutbox, putDigestsIntoOutbox, putIntoOutbox } from './audit-store.ts'

/** Who changed something, and from where. A `Call` is one. */
export interface Origin {
  readonly caller: { readonly actor: Actor }
  readonly address: string | null
  readonly requestId: string | null
}

export interface Change {
  readonly action: AuditAction
  /** Null: something of the installation itself. */
  readonly organizationId: string | null
  readonly projectId: string | null
  readonly target: {
    readonly type:
      | 'key'
      | 'project'
      | 'organization'
      | 'installation'
      | 'person'
      | 'invitation'
      | 'call'
      | 'feed_token'
      | 'tracked_credential'
      | 'channel'
      | 'mail'
      | 'signing_key'
    readonly id: string
    readonly name: string
  }
  /** The fields that changed, with the names of the API. Never a value or a digest of a secret. */
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  /** What may have another verdict now; null where none can, as after a new name. */
  readonly affects: { readonly kind: ChangedKind; readonly id: string } | null
}

/**
 * Puts a change on record, and into the feed that keeps nodes true, in the transaction that makes it: both or neither.
 * The text that is hashed is the text that is stored.
 */
export async function recordChange(tx: Tx, origin: Origin, now: Instant, change: Change): Promise<void> {
  await putIntoOutbox(tx, change.organizationId, bodyOf(origin, formatTime(now), change), change.affects)
}

/** Many at once, of one organization. @param digests of the secrets whose verdicts they change */
export async function recordChanges(
  tx: Tx,
  origin: Origin,
  now: Instant,
  organizationId: string,
  changes: readonly Omit<Change, 'organizationId' | 'affects'>[],
  digests: readonly Uint8Array[] = [],
): Promise<void> {
  const at = formatTime(now)
  const bodies = changes.map((change) => bodyOf(origin, at, { ...change, organizationId, affects: null }))
  await putAllIntoOutbox(tx, organizationId, bodies)
  await putDigestsIntoOutbox(tx, organizationId, digests)
}

/** What is to be known of these digests on every node, of something that has its event. */
export async function putDigests(tx: Tx, organizationId: string, digests: readonly Uint8Array[]): Promise<void> {
  await putDigestsIntoOutbox(tx, organizationId, digests)
}

const bodyOf = (origin: Origin, at: string, change: Change): string =>
  JSON.stringify({
    at,
    action: change.action,
    actor: origin.caller.actor,
    organization_id: change.organizationId,
    project_id: change.projectId,
    target: change.target,
    before: change.before,
    after: change.after,
    address: origin.address,
    request_id: origin.requestId,
  })

/** The fields in which two records differ, as they were and as they are. The order of names in JSON is no difference: jsonb has its own. */
export function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { before: Record<string, unknown>; after: Record<string, unknown> } | null {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = fields.filter((field) => !isDeepStrictEqual(before[field], after[field]))
  if (changed.length === 0) return null
  const pick = (record: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(changed.map((field) => [field, record[field] ?? null]))
  return { before: pick(before), after: pick(after) }
}
