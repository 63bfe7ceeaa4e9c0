import { DomainError } from '../kernel/errors.ts'
import { type ChangedKey, changeSecrets } from '../keys/change-secrets.ts'
import type { Call, Caller } from '../people/call.ts'
import type { Verifier } from '../verification/verifier.ts'
import { toVerdict } from '../verification/verify.ts'
import { planOwnRotation } from './rules.ts'

/** A holder that may rotate its own key, and the secret that it came with. */
export interface RotatingHolder {
  readonly caller: Caller
  readonly keyId: string
  readonly secretId: string
}

/** The scope of a key whose holder may rotate it. */
export const ownRotationScope = 'self:rotate'

/**
 * Who presents this value, and may it rotate the key that has it?
 *
 * @throws DomainError invalid_token with the verdict and the reason, publishable_key_refused, insufficient_scope
 */
export async function authenticateHolder(
  verifier: Verifier,
  presented: string,
  address: string | null,
): Promise<RotatingHolder> {
  const demand = { kinds: ['secret', 'jwt', 'publishable'] as const, ...(address !== null && { ip: address }) }
  const finding = await verifier.inspect(presented, demand, () => true)
  const { record } = finding
  if (record?.kind === 'publishable') throw new DomainError('publishable_key_refused')
  if (finding.code !== 'VALID' || !record) {
    const { valid, key, secret, expires_at } = toVerdict(finding)
    throw new DomainError('invalid_token', {
      reason: finding.hint,
      verdict: { valid, code: finding.code, key, secret, expires_at },
    })
  }
  if (record.management || !record.scopes.includes(ownRotationScope))
    throw new DomainError('insufficient_scope', { scope: ownRotationScope })
  return {
    caller: {
      actor: { type: 'key_holder', id: record.keyId, name: record.name },
      organizationId: record.project.organizationId,
      projects: new Set([record.project.projectId]),
      scopes: new Set(['keys:write']),
    },
    keyId: record.keyId,
    secretId: record.secretId,
  }
}

/** @throws DomainError as `changeSecrets` and `planOwnRotation` */
export const rotateOwnKey = (call: Call, holder: Pick<RotatingHolder, 'keyId' | 'secretId'>): Promise<ChangedKey> =>
  changeSecrets(call, holder.keyId, (scene) => {
    // A scope that was taken away meanwhile counts at once.
    if (!scene.key.scopes.includes(ownRotationScope))
      throw new DomainError('insufficient_scope', { scope: ownRotationScope })
    return planOwnRotation(scene, holder.secretId)
  })
