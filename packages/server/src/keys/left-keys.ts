import type { Instant } from '../kernel/instant.ts'
import { lockProjectForKeys } from '../organizations/find.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { recordKeyChange } from './change-key.ts'
import type { Key } from './key.ts'
import { listSecrets, lockKey, updateKey } from './key-store.ts'
import type { LeftKeyRecord } from './left-store.ts'
import { searchLexemes } from './search-words.ts'

export { type LeftKeyRecord, listLeftKeys } from './left-store.ts'

export interface LockedKey extends LeftKeyRecord {
  readonly policy: EffectivePolicy
}

/** All of them, in the order in which everybody locks: projects by id, then keys by id. */
export async function lockLeftKeys(
  tx: Tx,
  organizationId: string,
  left: readonly LeftKeyRecord[],
): Promise<LockedKey[]> {
  const policies = new Map<string, EffectivePolicy>()
  for (const projectId of [...new Set(left.map(({ key }) => key.projectId))].toSorted())
    policies.set(projectId, (await lockProjectForKeys(tx, organizationId, projectId)).policy)
  const locked: LockedKey[] = []
  for (const one of left) {
    const policy = policies.get(one.key.projectId)
    if (policy) locked.push({ ...one, key: await lockKey(tx, organizationId, one.key.id), policy })
  }
  return locked
}

/** Gives a key, whose row is locked, another owner. */
export async function handOverKey(tx: Tx, call: Call, key: Key, owner: string, now: Instant): Promise<Key> {
  const { organizationId } = key
  const hints = (await listSecrets(tx, organizationId, key.id)).map((secret) => secret.hint)
  const words = searchLexemes(organizationId, { ...key, owner, hints })
  const lastAction = { action: 'key.updated' as const, actor: call.caller.actor, at: now }
  const handed = await updateKey(tx, organizationId, key, { owner, lastAction }, words)
  await recordKeyChange(tx, call, now, handed, {
    action: 'key.updated',
    before: { owner: key.owner },
    after: { owner },
    affectsVerdicts: true,
  })
  return handed
}
