import type { AuditAction, HelpfulOperation, Slot } from '@keyturn/contract'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, formatTime, type Instant } from '../kernel/instant.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { lockProjectForKeys } from '../organizations/find.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { recordKeyChange } from './change-key.ts'
import { findKeyToChange } from './find-key.ts'
import type { Key, SecretRecord } from './key.ts'
import { countActiveKeys, insertSecret, listSecrets, lockKey, updateKey, updateSecret } from './key-store.ts'
import { mintSecret } from './mint-secret.ts'
import { noteShown } from './note-shown.ts'
import { searchLexemes } from './search-words.ts'
import { endsOf } from './secret.ts'
import { normalise, rotationStart, type Slots } from './slots.ts'
import { refuseToChange } from './state.ts'
import { type KeyView, type SecretWithUse, viewKey } from './view-keys.ts'
import { listSecretsOf } from './view-store.ts'

/** What an operation on secrets decides upon. */
export interface SecretsScene {
  readonly key: Key
  readonly slots: Slots<SecretWithUse>
  readonly policy: EffectivePolicy
  readonly now: Instant
}

/** What it decides. */
export interface SecretsPlan {
  readonly action: AuditAction
  /** Those that change, as they are from now on. */
  readonly changed: readonly SecretRecord[]
  /** `id` where it has to be known beforehand. */
  readonly issue: { readonly slot: Slot; readonly expiresAt: Instant; readonly id?: string } | null
  /** What else the audit event says, with the names of the API. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** A key whose secrets changed, with the value of a new one, which this answer alone shows. */
export interface ChangedKey {
  readonly view: KeyView
  readonly issued: { readonly secretId: string; readonly value: SecretValue } | null
}

/**
 * One operation on the secrets of a key, in one transaction. Of two at once one wins: where the other would be allowed on what
 * the first left behind, as a rotation on the outcome of another, it gets `key_changed` rather than undo what was just made.
 *
 * @param decide throws where a rule forbids it; null where there is nothing to change, a success without an event. All locks are
 *   held by then: what must happen with the operation or not at all may happen here
 * @throws DomainError insufficient_scope, key_not_found, cannot_give_more_than_you_have, key_revoked, key_changed,
 *   active_key_limit_reached where an expired key is given a new secret, jwt_too_long, and whatever `decide` throws
 */
export async function changeSecrets(
  call: Call,
  keyId: string,
  decide: (scene: SecretsScene, tx: Tx) => SecretsPlan | null | Promise<SecretsPlan | null>,
): Promise<ChangedKey> {
  const { organizationId, projectId } = await findKeyToChange(call, keyId)
  const before = arrangementOf(await listSecrets(call.reader, organizationId, keyId))
  return call.change(async (tx) => {
    // Before the key: a new secret of an expired one counts against the project's limit (lock order: project, key).
    const place = await lockProjectForKeys(tx, organizationId, projectId)
    const key = await lockKey(tx, organizationId, keyId)
    return changeLockedSecrets(tx, call, { key, policy: place.policy, before }, decide)
  })
}

/**
 * The same inside a larger change. Nothing is written before a rule has had its say, so that the transaction can go on without it.
 *
 * @param locked the key, with its project's row and its own locked. before: null where nobody has decided on what there was
 */
export async function changeLockedSecrets(
  tx: Tx,
  call: Call,
  locked: { readonly key: Key; readonly policy: EffectivePolicy; readonly before: string | null },
  decide: (scene: SecretsScene, tx: Tx) => SecretsPlan | null | Promise<SecretsPlan | null>,
): Promise<ChangedKey> {
  const { key, policy, before } = locked
  const now = await call.now(tx)
  const refusal = refuseToChange(key)
  if (refusal) throw new DomainError(refusal, { until: null, operations: ['create'] })
  const secrets = await listSecretsOf(tx, [key.id])
  const slots = normalise(secrets, now)
  const plan = await decide({ key, slots, policy, now }, tx)
  if (!plan) return { view: await viewKey(tx, key, now), issued: null }
  if (before !== null && arrangementOf(secrets) !== before) throw keyChanged(key, slots, now)
  if (slots.state === 'none') await refuseBeyondLimit(tx, key, policy, now)
  return applyPlan(tx, call, key, secrets, plan, now)
}

/** Which secrets there are, and what operations have made of them. */
const arrangementOf = (secrets: readonly SecretRecord[]): string =>
  secrets
    .map(({ id, slot, expiresAt, retiresAt, endedAt }) => [id, slot, expiresAt, retiresAt, endedAt].join(' '))
    .toSorted()
    .join()

/** What leads on from where the secrets of a key are. */
const onward = {
  none: ['rotate'],
  one: ['rotate', 'stage'],
  staged: ['promote', 'cancel'],
  retiring: ['finish', 'cancel'],
} as const satisfies Record<Slots['state'], readonly HelpfulOperation[]>

/** What the other one did, and what may be done to what it has left. From now on it is in nobody's way. */
const keyChanged = ({ lastAction }: Key, { state }: Slots, now: Instant) =>
  new DomainError('key_changed', {
    last_action: lastAction.action,
    at: formatTime(lastAction.at),
    until: formatTime(now),
    operations: onward[state],
  })

async function refuseBeyondLimit(tx: Tx, key: Key, policy: EffectivePolicy, now: Instant): Promise<void> {
  const limit = policy.max_active_keys
  const active = await countActiveKeys(tx, key.organizationId, key.projectId, now, limit)
  if (active < limit) return
  throw new DomainError('active_key_limit_reached', { limit, active, until: null, operations: ['revoke'] })
}

async function applyPlan(
  tx: Tx,
  call: Call,
  key: Key,
  secrets: readonly SecretRecord[],
  plan: SecretsPlan,
  now: Instant,
): Promise<ChangedKey> {
  const { organizationId } = key
  for (const secret of plan.changed) await updateSecret(tx, organizationId, secret)
  const made = plan.issue && (await mintSecret(tx, call, key, plan.issue, now))
  if (made) await insertSecret(tx, organizationId, made.secret, sha256(made.value.reveal()))
  const all = await listSecrets(tx, organizationId, key.id)
  const lastAction = { action: plan.action, actor: call.caller.actor, at: now }
  const words = made ? searchLexemes(organizationId, { ...key, hints: all.map((secret) => secret.hint) }) : undefined
  const ends = { ...endsOf(all, now), ...rotationStart(all, now) }
  const changedKey = await updateKey(tx, organizationId, key, { ...ends, lastAction }, words)
  const touched = new Set([...plan.changed.map((secret) => secret.id), ...(made ? [made.secret.id] : [])])
  const describe = (records: readonly SecretRecord[]) => records.filter(({ id }) => touched.has(id)).map(describeSecret)
  await recordKeyChange(tx, call, now, changedKey, {
    action: plan.action,
    before: { secrets: describe(secrets) },
    after: { secrets: describe(all), ...plan.details },
    affectsVerdicts: true,
  })
  if (made) await noteShown(tx, call, changedKey, made.secret, now)
  const issued = made && { secretId: made.secret.id, value: made.value }
  return { view: await viewKey(tx, changedKey, now), issued }
}

/** For the audit trail: all that an operation can change, so that the events alone tell every state there was. */
const describeSecret = (secret: SecretRecord) => ({
  id: secret.id,
  slot: secret.slot,
  hint: secret.hint,
  created_at: formatInstant(secret.createdAt),
  expires_at: formatInstant(secret.expiresAt),
  retires_at: secret.retiresAt === null ? null : formatInstant(secret.retiresAt),
  ended_at: secret.endedAt === null ? null : formatInstant(secret.endedAt),
  ended_by: secret.endedBy,
})
