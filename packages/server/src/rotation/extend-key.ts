import type { Slot } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import { changeKey } from '../keys/change-key.ts'
import type { SecretRecord } from '../keys/key.ts'
import { boundedEnd, explicitEnd, type WantedEnd } from '../keys/lifetime.ts'
import { listLiveSecrets, moveExpiry } from '../keys/secrets.ts'
import { refuseToChange } from '../keys/state.ts'
import type { KeyView } from '../keys/view-keys.ts'
import { readProject } from '../organizations/find.ts'
import type { Call } from '../people/call.ts'

export interface WantedExtension extends Pick<WantedEnd, 'expires_at' | 'expires_in'> {
  readonly slot?: Slot | undefined
}

/**
 * Moves the end of a live secret to a later time, within the policy's maximum, which counts from the secret's creation. To the
 * time it already has is a success without an event.
 *
 * @throws DomainError key_not_found, key_revoked, no_live_secret, legacy_key_never_expires, would_shorten,
 *   expires_in_the_past, max_lifetime_exceeded
 */
export function extendKey(call: Call, keyId: string, wanted: WantedExtension): Promise<KeyView> {
  return changeKey(call, keyId, async (key, now, tx) => {
    const refusal = refuseToChange(key)
    if (refusal) throw new DomainError(refusal)
    if (key.legacy) throw new DomainError('legacy_key_never_expires')
    const secret = pickSecret(await listLiveSecrets(tx, key, now), wanted.slot ?? 'primary')
    const end = explicitEnd(wanted, now) ?? secret.expiresAt
    if (end === secret.expiresAt) return null
    refuseShorter(secret, end)
    const { policy } = await readProject(tx, key.organizationId, key.projectId)
    const expiresAt = boundedEnd(end, policy, secret.createdAt, now)
    return {
      action: 'key.extended',
      set: await moveExpiry(tx, key, secret, expiresAt, now),
      before: { secret: secret.id, expires_at: formatInstant(secret.expiresAt) },
      after: { secret: secret.id, expires_at: formatInstant(expiresAt) },
      affectsVerdicts: true,
    }
  })
}

/** A lone live secret is the primary, whichever slot it was made in. */
function pickSecret(live: readonly SecretRecord[], slot: Slot): SecretRecord {
  const secret = live.length === 1 && slot === 'primary' ? live[0] : live.find((candidate) => candidate.slot === slot)
  if (!secret) throw new DomainError('no_live_secret', { slot })
  return secret
}

/** People plan by the date that they were told; it never comes nearer. */
function refuseShorter(secret: SecretRecord, end: Instant): void {
  if (end < secret.expiresAt) throw new DomainError('would_shorten', { expires_at: formatInstant(secret.expiresAt) })
}
