import type { ManagementScope } from '@keyturn/contract'
import { managementScopes } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Call, Caller, Ground } from '../people/call.ts'
import type { VerifyRecord } from '../verification/decide.ts'
import type { Verifier } from '../verification/verifier.ts'
import { revokeKey } from './revoke-key.ts'

/**
 * Whoever holds a secret can end its key, and nothing else: so that who finds a leaked one need not find its owner first. A value
 * that no key has, or that has ended already, is a success: it does not work (RFC 7009 §2.2).
 *
 * @throws DomainError publishable_key_refused: that value everybody holds
 */
export async function endOwnKey(
  ground: Ground,
  verifier: Verifier,
  presented: string,
  origin: Pick<Call, 'requestId' | 'address'>,
  reason: string,
): Promise<void> {
  const { record } = await verifier.inspect(presented, { kinds: ['secret', 'jwt', 'publishable'] }, () => true)
  // An ended secret ends nothing: who still has one from before a rotation holds the key no longer.
  if (!record || record.state === 'revoked' || record.end <= verifier.now()) return
  if (record.kind === 'publishable') throw new DomainError('publishable_key_refused')
  await revokeKey({ ...ground, ...origin, caller: holderOf(record) }, record.keyId, reason)
}

/** The holder as a caller: within its own project, with what ending its own key takes. */
function holderOf(record: VerifyRecord): Caller {
  const own = managementScopes.filter((scope) => record.scopes.includes(scope))
  const needed: ManagementScope = record.management ? 'management:write' : 'keys:write'
  return {
    actor: { type: 'key_holder', id: record.keyId, name: record.name },
    organizationId: record.project.organizationId,
    projects: record.management ? null : new Set([record.project.projectId]),
    scopes: new Set([...own, needed]),
  }
}
