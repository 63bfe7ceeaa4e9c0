import type { SecretStatus } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import { never } from '../kernel/instant.ts'
import type { SecretRecord } from './key.ts'

type Ends = Pick<SecretRecord, 'expiresAt' | 'retiresAt' | 'endedAt'>

/** When a secret ends: the earliest of its own expiry, the end of its overlap, and what somebody did. */
export function endOf(secret: Ends): Instant {
  return Math.min(secret.expiresAt, secret.retiresAt ?? never, secret.endedAt ?? never)
}

export function isLive(secret: Ends, now: Instant): boolean {
  return endOf(secret) > now
}

/**
 *   live ──(retires_at)──► rotated      live ──(expires_at)──► expired      live ──(revoke)──► revoked
 *
 * Derived from the clock, so that it takes effect to the second on every node with no job having to run.
 */
export function secretStatusAt(secret: Ends & Pick<SecretRecord, 'endedBy'>, now: Instant): SecretStatus {
  const end = endOf(secret)
  if (end > now) return 'live'
  if (secret.endedAt === end) return secret.endedBy === 'revoke' ? 'revoked' : 'rotated'
  return secret.retiresAt === end ? 'rotated' : 'expired'
}

/** First and last end of the live secrets; where none is live, both are the time at which the last one ended. */
export function endsOf(secrets: readonly Ends[], now: Instant): { firstEndAt: Instant; lastEndAt: Instant } {
  const ends = secrets.map(endOf)
  const live = ends.filter((end) => end > now)
  const lastEndAt = Math.max(...(live.length > 0 ? live : ends))
  return { firstEndAt: live.length > 0 ? Math.min(...live) : lastEndAt, lastEndAt }
}
