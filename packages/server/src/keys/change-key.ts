import type { AuditAction } from '@keyturn/contract'
import { differences, recordChange } from '../audit/record-change.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { findKeyToChange } from './find-key.ts'
import type { Key } from './key.ts'
import { type KeyUpdate, lockKey, updateKey } from './key-store.ts'
import type { Warning } from './name-advice.ts'
import { type KeyView, viewKey } from './view-keys.ts'

/** What a use case decides to do with a key. */
export interface KeyChange {
  readonly action: AuditAction
  readonly set: KeyUpdate
  /** Where name, purpose, owner or a hint change: the words under which the key is found from now on. */
  readonly searchLexemes?: readonly string[]
  /** The fields for the audit trail, with the names of the API. */
  readonly before: Readonly<Record<string, unknown>>
  readonly after: Readonly<Record<string, unknown>>
  readonly affectsVerdicts: boolean
  readonly warnings?: readonly Warning[]
}

/**
 * One change of one key, in one transaction: find, lock, read the time, decide, write, record. What the use cases differ in is
 * `decide`: it throws where a rule forbids the change, and returns null where there is nothing to change, which is a success
 * without an event.
 *
 * @throws DomainError insufficient_scope, key_not_found, cannot_give_more_than_you_have, and whatever `decide` throws
 */
export async function changeKey(
  call: Call,
  keyId: string,
  decide: (key: Key, now: Instant, tx: Tx) => Promise<KeyChange | null>,
): Promise<KeyView> {
  const { organizationId } = await findKeyToChange(call, keyId)
  return call.change(async (tx) => {
    const key = await lockKey(tx, organizationId, keyId)
    const now = await call.now(tx)
    const change = await decide(key, now, tx)
    if (!change) return viewKey(tx, key, now)
    const lastAction = { action: change.action, actor: call.caller.actor, at: now }
    const changed = await updateKey(tx, organizationId, key, { ...change.set, lastAction }, change.searchLexemes)
    await recordKeyChange(tx, call, now, changed, change)
    return viewKey(tx, changed, now, change.warnings)
  })
}

/**
 * One change of something that belongs to a key, as its claim links, in one transaction; no verdict depends on it. What ended a
 * key stays its last action.
 *
 * @param work with the key locked; an event of null where there is nothing to change
 * @throws DomainError insufficient_scope, key_not_found, cannot_give_more_than_you_have, and whatever `work` throws
 */
export async function changeBesideKey<R>(
  call: Call,
  keyId: string,
  work: (
    tx: Tx,
    key: Key,
    now: Instant,
  ) => Promise<{ result: R; event: Pick<KeyChange, 'action' | 'before' | 'after'> | null }>,
): Promise<R> {
  const { organizationId } = await findKeyToChange(call, keyId)
  return call.change(async (tx) => {
    const key = await lockKey(tx, organizationId, keyId)
    const now = await call.now(tx)
    const { result, event } = await work(tx, key, now)
    if (!event) return result
    const lastAction = { action: event.action, actor: call.caller.actor, at: now }
    const changed = key.state === 'revoked' ? key : await updateKey(tx, organizationId, key, { lastAction })
    await recordKeyChange(tx, call, now, changed, { ...event, affectsVerdicts: false })
    return result
  })
}

export async function recordKeyChange(
  tx: Tx,
  call: Call,
  now: Instant,
  key: Key,
  change: Pick<KeyChange, 'action' | 'before' | 'after' | 'affectsVerdicts'>,
): Promise<void> {
  await recordChange(tx, call, now, {
    action: change.action,
    organizationId: key.organizationId,
    projectId: key.projectId,
    target: { type: 'key', id: key.id, name: key.name },
    ...changedFields(change),
    affects: change.affectsVerdicts ? { kind: 'key', id: key.id } : null,
  })
}

/** Something that is new was nothing before, rather than a record of nulls. */
function changedFields({ before, after }: Pick<KeyChange, 'before' | 'after'>) {
  if (Object.keys(before).length === 0) return { before: null, after }
  return differences(before, after) ?? { before: null, after: null }
}
