import type { Actor, ClaimLinkStatus } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/**
 * A link by which somebody without an account is given a new secret of a key, once.
 *
 *   open ──(claim)──► claimed      open ──(withdraw)──► withdrawn      open ──(expires_at)──► expired
 *
 * None of the three is ever left again.
 */
export interface ClaimLink {
  readonly id: string
  readonly keyId: string
  readonly organizationId: string
  readonly createdAt: Instant
  readonly createdBy: Actor
  readonly expiresAt: Instant
  readonly claimedAt: Instant | null
  /** The one that was made when it was claimed. */
  readonly secretId: string | null
  readonly withdrawnAt: Instant | null
}

export function claimLinkStatusAt(link: ClaimLink, now: Instant): ClaimLinkStatus {
  if (link.claimedAt !== null) return 'claimed'
  if (link.withdrawnAt !== null) return 'withdrawn'
  return link.expiresAt > now ? 'open' : 'expired'
}
