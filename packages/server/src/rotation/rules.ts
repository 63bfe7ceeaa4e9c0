import { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant, never, seconds } from '../kernel/instant.ts'
import type { SecretsPlan, SecretsScene } from '../keys/change-secrets.ts'
import type { Key } from '../keys/key.ts'
import { asKeptBy, endOfNewSecret, explicitEnd, type WantedEnd } from '../keys/lifetime.ts'
import { endOf } from '../keys/secret.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'
import {
  lastLiveSecret,
  legacyNeverExpires,
  noRotation,
  nothingStaged,
  type Pair,
  refuseToCancel,
  refuseToFinish,
  rotationInProgress,
  secondaryStaged,
  withoutSecondary,
  withoutSecret,
} from './refusals.ts'

/** Seconds; left out: the policy's default. */
export interface WantedOverlap {
  readonly overlap?: number | undefined
}

/** Even though something stands in the way. */
export interface Forced {
  readonly force?: boolean | undefined
}

export type WantedRotation = WantedOverlap & Forced & Pick<WantedEnd, 'expires_at' | 'expires_in'>

/**
 * A new primary; the one before goes on beside it for the overlap, but never past its own end. Where a second secret is in the
 * way, `force` ends that one first. A key without a live secret gets one again.
 *
 * @throws DomainError secondary_staged, rotation_in_progress, overlap_too_long, ends_before_overlap, legacy_key_never_expires,
 *   expires_in_the_past, max_lifetime_exceeded
 */
export function planRotation(scene: SecretsScene, wanted: WantedRotation): SecretsPlan {
  const { slots, now, key } = scene
  if (slots.state === 'staged' && !wanted.force) throw secondaryStaged(slots, 'force')
  if (slots.state === 'retiring' && !wanted.force) throw rotationInProgress(slots, 'force')
  const overlapMs = overlapOf(scene, wanted)
  const expiresAt = endOfNext(scene, wanted)
  const issue = { slot: 'primary', expiresAt } as const
  if (slots.state === 'none') return { action: 'key.rotated', changed: [], issue }
  const old = retire(key, slots.primary, now, overlapMs)
  refuseEndBefore(expiresAt, old.endedAt === null ? endOf(old) : now)
  const inTheWay =
    slots.state === 'one' ? [] : [end(slots.secondary, now, slots.state === 'staged' ? 'revoke' : 'rotate')]
  return { action: 'key.rotated', changed: [old, ...inTheWay], issue }
}

/**
 * A second secret that is valid beside the primary, to become the primary once it is in place everywhere.
 *
 * @throws DomainError no_live_secret, secondary_staged, rotation_in_progress, and as `planRotation`
 */
export function planStaging(scene: SecretsScene, wanted: Pick<WantedEnd, 'expires_at' | 'expires_in'>): SecretsPlan {
  const { slots } = scene
  if (slots.state === 'none') throw withoutSecret()
  if (slots.state === 'staged') throw secondaryStaged(slots)
  if (slots.state === 'retiring') throw rotationInProgress(slots)
  return {
    action: 'key.secret_staged',
    changed: [slots.primary],
    issue: { slot: 'secondary', expiresAt: endOfNext(scene, wanted) },
  }
}

/**
 * The staged secret becomes the primary, and the one before retires.
 *
 * @throws DomainError no_live_secret, nothing_staged, rotation_in_progress, overlap_too_long, ends_before_overlap
 */
export function planPromotion(scene: SecretsScene, wanted: WantedOverlap): SecretsPlan {
  const { slots, now, key } = scene
  if (slots.state === 'none') throw withoutSecret()
  if (slots.state === 'one') throw nothingStaged()
  if (slots.state === 'retiring') throw rotationInProgress(slots)
  const old = retire(key, slots.primary, now, overlapOf(scene, wanted))
  refuseEndBefore(endOf(slots.secondary), old.endedAt === null ? endOf(old) : now)
  return { action: 'key.promoted', changed: [{ ...slots.secondary, slot: 'primary' }, old], issue: null }
}

/**
 * Ends the overlap now.
 *
 * @throws DomainError no_live_secret, no_rotation_in_progress, secondary_staged, secret_in_use where the old one was called in the last hour
 */
export function planFinish({ slots, now }: Pick<SecretsScene, 'slots' | 'now'>, wanted: Forced): SecretsPlan {
  if (slots.state === 'none') throw withoutSecret()
  if (slots.state === 'one') throw noRotation()
  if (slots.state === 'staged') throw secondaryStaged(slots)
  if (!wanted.force) refuseToFinish(slots, now)
  return { action: 'key.rotation_finished', changed: [end(slots.secondary, now, 'rotate')], issue: null }
}

/**
 * Takes back what was staged or rotated: the newer secret is revoked, the older goes on as it was before.
 *
 * @throws DomainError no_live_secret, no_rotation_in_progress, secret_in_use where the newer one was called
 */
export function planCancel({ slots, now }: SecretsScene, wanted: Forced): SecretsPlan {
  if (slots.state === 'none') throw withoutSecret()
  if (slots.state === 'one') throw noRotation()
  const [newer, older] = slots.state === 'staged' ? [slots.secondary, slots.primary] : [slots.primary, slots.secondary]
  if (!wanted.force) refuseToCancel(slots, newer)
  const restored = { ...older, slot: 'primary', retiresAt: null, overlapStartedAt: null } as const
  const changed = slots.state === 'staged' ? [end(newer, now, 'revoke')] : [end(newer, now, 'revoke'), restored]
  return { action: 'key.rotation_cancelled', changed, issue: null }
}

/**
 * Ends one secret, as after a leak, and leaves the key to the other.
 *
 * @throws DomainError no_live_secret, last_live_secret
 */
export function planRevocation(
  { key, slots, now }: SecretsScene,
  slot: 'primary' | 'secondary',
  reason: string | null,
): SecretsPlan {
  if (slots.state === 'none') throw withoutSecret(slot)
  if (slots.state === 'one') {
    throw slot === 'secondary' ? withoutSecondary() : lastLiveSecret(slots.primary, key)
  }
  const revoked = end(slots[slot], now, 'revoke')
  const survivor = slots[slot === 'primary' ? 'secondary' : 'primary']
  // A legacy key never ends, whatever was to happen to the one that is left.
  const ends = key.legacy ? { retiresAt: null, overlapStartedAt: null } : {}
  const changed = [revoked, { ...survivor, ...ends, slot: 'primary' as const }]
  return { action: 'key.secret_revoked', changed, issue: null, details: { reason } }
}

/**
 * Its holder rotates a key. Who still holds the retiring secret while the new one was never called has lost the answer: it is
 * given another one, and the deadline stays.
 *
 * @param secretId of the secret that the holder presented, which is live
 * @throws DomainError secondary_staged, rotation_in_progress, invalid_token where it has ended meanwhile
 */
export function planOwnRotation(scene: SecretsScene, secretId: string): SecretsPlan {
  const { slots, now, key } = scene
  const presented =
    slots.state === 'none' ? [] : slots.state === 'one' ? [slots.primary] : [slots.primary, slots.secondary]
  if (key.state !== 'active' || !presented.some(({ id }) => id === secretId)) throw new DomainError('invalid_token')
  if (slots.state === 'staged') throw secondaryStaged(slots)
  if (slots.state !== 'retiring') return planRotation(scene, {})
  if (slots.secondary.id !== secretId || slots.primary.lastUsedAt !== null) throw rotationInProgress(slots)
  return againstLostAnswer(scene, slots, now)
}

function againstLostAnswer(scene: SecretsScene, { primary, secondary }: Pair, now: Instant): SecretsPlan {
  const expiresAt = endOfNext(scene, {})
  refuseEndBefore(expiresAt, endOf(secondary))
  return { action: 'key.rotated', changed: [end(primary, now, 'revoke')], issue: { slot: 'primary', expiresAt } }
}

/** How long the old one goes on. @throws DomainError overlap_too_long */
function overlapOf({ policy }: SecretsScene, { overlap }: WantedOverlap): number {
  if (overlap !== undefined && overlap > policy.max_overlap)
    throw new DomainError('overlap_too_long', { max_overlap: policy.max_overlap })
  return seconds(overlap ?? policy.default_overlap)
}

/**
 * As wanted, else after the policy's default lifetime. A key that never expired goes on so, unless the policy forbids it by now:
 * nobody who rotated it asked for an end.
 */
function endOfNext({ key, slots, policy, now }: SecretsScene, wanted: Pick<WantedEnd, 'expires_at' | 'expires_in'>) {
  if (key.legacy) {
    if (explicitEnd(wanted, now) !== undefined) throw legacyNeverExpires()
    return never
  }
  const goesOn = slots.state !== 'none' && slots.primary.expiresAt === never && policy.allow_never_expires
  if (goesOn && explicitEnd(wanted, now) === undefined) return never
  return asKeptBy(key.kind, endOfNewSecret(wanted, policy, now), now)
}

function retire({ kind }: Pick<Key, 'kind'>, secret: SecretWithUse, now: Instant, overlapMs: number): SecretWithUse {
  if (overlapMs === 0) return end(secret, now, 'rotate')
  const retiresAt = Math.min(endOf(secret), asKeptBy(kind, now + overlapMs, now))
  return { ...secret, slot: 'secondary', retiresAt, overlapStartedAt: now }
}

const end = (secret: SecretWithUse, now: Instant, endedBy: 'revoke' | 'rotate'): SecretWithUse => ({
  ...secret,
  endedAt: now,
  endedBy,
})

/** Nobody is to move to a secret that is gone before the old one is. */
function refuseEndBefore(expiresAt: Instant, overlapEnd: Instant): void {
  if (expiresAt < overlapEnd)
    throw new DomainError('ends_before_overlap', {
      expires_at: formatInstant(expiresAt),
      overlap_end: formatInstant(overlapEnd),
    })
}
