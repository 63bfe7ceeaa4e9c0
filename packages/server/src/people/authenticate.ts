import type { ManagementScope } from '@keyturn/contract'
import { managementScopes } from '@keyturn/contract'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { inspect, type Verifier } from '../verification/verify.ts'
import type { Caller } from './call.ts'
import { isRootKeyDigest } from './installation-store.ts'

export const rootCaller: Caller = {
  actor: { type: 'root_key', id: null, name: 'Root key' },
  organizationId: null,
  projects: null,
  scopes: 'all',
}

/**
 * Who is it that presents this bearer token? The root key or a management key; one of a product is neither.
 *
 * @param address where the call came from, for keys that are bound to addresses
 * @throws DomainError invalid_token with the reason, which only a holder of the real secret learns; management_key_required
 */
export async function authenticate(verifier: Verifier, bearer: string, address: string | null): Promise<Caller> {
  if (await isRootKeyDigest(verifier.reader, sha256(bearer))) return rootCaller
  const { code, hint, record } = await inspect(
    verifier,
    bearer,
    { kinds: ['secret'], ...(address !== null && { ip: address }) },
    () => true,
  )
  if (record && record.key.management === null) throw new DomainError('management_key_required')
  if (code !== 'VALID' || !record) throw new DomainError('invalid_token', { verdict: code, reason: hint })
  const { key } = record
  return {
    actor: { type: 'management_key', id: key.id, name: key.name },
    organizationId: key.organizationId,
    projects: key.management?.projects ? new Set(key.management.projects) : null,
    scopes: new Set(managementScopes.filter((scope): scope is ManagementScope => key.scopes.includes(scope))),
  }
}
