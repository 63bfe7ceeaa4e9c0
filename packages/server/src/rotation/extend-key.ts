import type { HelpfulOperation, Slot } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant, seconds } from '../kernel/instant.ts'
import { type ChangedKey, changeSecrets, type SecretsPlan, type SecretsScene } from '../keys/change-secrets.ts'
import type { SecretRecord } from '../keys/key.ts'
import { asKeptBy, boundedEnd, explicitEnd, type WantedEnd } from '../keys/lifetime.ts'
import { endOf } from '../keys/secret.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'
import type { Call } from '../people/call.ts'
import { jwtExpiryIsInTheToken, legacyNeverExpires, withoutSecondary, withoutSecret, wouldShorten } from './refusals.ts'

export interface WantedExtension extends Pick<WantedEnd, 'expires_at' | 'expires_in'> {
  readonly slot?: Slot | undefined
}

/**
 * Moves the end of a live secret to a later time, within the policy's maximum, which counts from the secret's creation. Of a
 * retiring one it is the end of the overlap that moves, up to the longest overlap since it began and to the secret's own end. To
 * the time it already has is a success without an event.
 *
 * @throws DomainError key_not_found, key_revoked, no_live_secret, legacy_key_never_expires, jwt_expiry_is_in_the_token, would_shorten,
 *   expires_in_the_past, max_lifetime_exceeded, overlap_too_long
 */
export const extendKey = (call: Call, keyId: string, wanted: WantedExtension): Promise<ChangedKey> =>
  changeSecrets(call, keyId, (scene) => planExtension(scene, wanted))

/** Pure. @throws DomainError as `extendKey` */
export function planExtension(scene: SecretsScene, wanted: WantedExtension): SecretsPlan | null {
  const { key, slots, policy, now } = scene
  const slot = wanted.slot ?? 'primary'
  const isRetiring = slots.state === 'retiring' && slot === 'secondary'
  if (key.legacy && !isRetiring) throw legacyNeverExpires()
  const secret = pickSecret(scene, slot)
  const until = asKeptBy(key.kind, explicitEnd(wanted, now) ?? endOf(secret), now)
  if (until === endOf(secret)) return null
  // A token has its end in it; what moves is the end of an overlap, up to that.
  if (key.kind === 'jwt' && (secret.retiresAt === null || until > secret.expiresAt))
    throw jwtExpiryIsInTheToken(secret, slots)
  // People plan by the date that they were told; it never comes nearer.
  if (until < endOf(secret)) throw wouldShorten(secret, ...waysToEnd(slots, slot))
  const changed = isRetiring
    ? lengthenOverlap(secret, until, policy.max_overlap)
    : lengthenLife(secret, boundedEnd(until, policy, secret.createdAt, now))
  return { action: 'key.extended', changed: [changed], issue: null }
}

function pickSecret({ slots }: SecretsScene, slot: Slot): SecretWithUse {
  if (slots.state === 'none') throw withoutSecret(slot)
  if (slots.state !== 'one') return slots[slot]
  if (slot === 'secondary') throw withoutSecondary()
  return slots.primary
}

/** What ends a secret before its time. */
function waysToEnd({ state }: SecretsScene['slots'], slot: Slot): HelpfulOperation[] {
  if (state === 'one') return ['rotate', 'revoke']
  if (slot === 'primary') return ['revoke']
  return state === 'staged' ? ['cancel', 'revoke'] : ['finish', 'revoke']
}

/** A lone secret may be left with the end of an overlap whose newer secret was revoked; that moves first, up to its own end. */
function lengthenLife(secret: SecretRecord, end: Instant): SecretRecord {
  if (end < secret.expiresAt) return { ...secret, retiresAt: end }
  return { ...secret, expiresAt: end, retiresAt: null, overlapStartedAt: null }
}

/** @throws DomainError overlap_too_long */
function lengthenOverlap(secret: SecretRecord, end: Instant, maxOverlapSeconds: number): SecretRecord {
  const start = secret.overlapStartedAt ?? secret.createdAt
  const latest = Math.min(start + seconds(maxOverlapSeconds), secret.expiresAt)
  if (end > latest)
    throw new DomainError('overlap_too_long', { max_overlap: maxOverlapSeconds, latest: formatInstant(latest) })
  return { ...secret, retiresAt: end }
}
