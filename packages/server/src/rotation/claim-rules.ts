import type { ClaimLinkStatus } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { SecretsPlan, SecretsScene } from '../keys/change-secrets.ts'
import type { Key } from '../keys/key.ts'
import { endOf } from '../keys/secret.ts'
import type { Slots } from '../keys/slots.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'
import type { ClaimLink } from './claim-link.ts'
import { rotationInProgress, secondaryStaged } from './refusals.ts'
import { planRotation, planStaging } from './rules.ts'

/** What somebody with the link meets: the link itself comes first, then the key, then its secrets. */
export type Standing =
  | { readonly kind: Exclude<ClaimLinkStatus, 'open'>; readonly at: Instant }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'disabled' }
  /** Another new secret is there already; `until`: its end. */
  | { readonly kind: 'staged' | 'retiring'; readonly until: Instant }
  | { readonly kind: 'open' }

export function standingOf(
  link: ClaimLink,
  key: Pick<Key, 'state'>,
  slots: Slots<SecretWithUse>,
  now: Instant,
): Standing {
  if (link.claimedAt !== null) return { kind: 'claimed', at: link.claimedAt }
  if (link.withdrawnAt !== null) return { kind: 'withdrawn', at: link.withdrawnAt }
  if (link.expiresAt <= now) return { kind: 'expired', at: link.expiresAt }
  if (key.state === 'revoked' || key.state === 'deleted') return { kind: 'revoked' }
  if (key.state === 'disabled') return { kind: 'disabled' }
  if (slots.state === 'staged' || slots.state === 'retiring')
    return { kind: slots.state, until: endOf(slots.secondary) }
  return { kind: 'open' }
}

/**
 * May a new secret of this key be handed over at this time? What is told to whoever makes the link is what would be told to
 * whoever opens it.
 *
 * @throws DomainError key_cannot_be_claimed: everybody can read a publishable value, and a management key opens Keyturn itself;
 *   key_revoked, key_disabled, secondary_staged, rotation_in_progress
 */
export function refuseClaim(key: Pick<Key, 'kind' | 'management' | 'state'>, slots: Slots<SecretWithUse>): void {
  if (key.kind === 'publishable') throw new DomainError('key_cannot_be_claimed', { kind: key.kind, management: false })
  if (key.management) throw new DomainError('key_cannot_be_claimed', { kind: key.kind, management: true })
  if (key.state === 'revoked') throw new DomainError('key_revoked')
  if (key.state === 'disabled') throw new DomainError('key_disabled')
  if (slots.state === 'staged') throw secondaryStaged(slots.secondary, 'promote', 'cancel')
  if (slots.state === 'retiring') throw rotationInProgress(slots.secondary, 'finish', 'cancel')
}

/**
 * The new secret is staged: valid at once, beside the one there is, so that whoever has it may put it in place at leisure. Where
 * no secret is left it becomes the primary.
 *
 * @param secretId of the new one
 * @throws DomainError as `refuseClaim`, `planStaging` and `planRotation`
 */
export function planClaim(scene: SecretsScene, link: ClaimLink, secretId: string): SecretsPlan {
  refuseClaim(scene.key, scene.slots)
  const { changed, issue } = scene.slots.state === 'none' ? planRotation(scene, {}) : planStaging(scene, {})
  return {
    action: 'key.secret_claimed',
    changed,
    issue: issue && { ...issue, id: secretId },
    details: { claim_link: { id: link.id, created_by: link.createdBy } },
  }
}
