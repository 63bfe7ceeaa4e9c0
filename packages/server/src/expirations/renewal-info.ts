import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import { readOwnKey } from '../keys/own-key.ts'
import { normalise } from '../keys/slots.ts'
import type { Ground } from '../people/call.ts'
import type { Verifier } from '../verification/verifier.ts'
import { adviseRenewal, type RenewalAdvice } from './renewal-window.ts'

/**
 * When whoever presents a secret does best to renew it.
 *
 * @throws DomainError invalid_token with the verdict and the reason, publishable_key_refused
 */
export async function readRenewalInfo(
  ground: Ground,
  verifier: Verifier,
  presented: string,
  address: string | null,
): Promise<RenewalAdvice & { readonly now: Instant }> {
  const { secret, view, project } = await readOwnKey(ground, verifier, presented, address)
  const { policy, now } = view
  const slots = normalise(view.secrets, now)
  // Ended between the verdict and this.
  if (slots.state === 'none') throw new DomainError('invalid_token')
  return { ...adviseRenewal(secret, slots, policy.rotate_every, project.renewal), now }
}
