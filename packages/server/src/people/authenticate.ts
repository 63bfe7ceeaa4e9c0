import type { ManagementScope } from '@keyturn/contract'
import { managementScopes } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { type Instant, never } from '../kernel/instant.ts'
import type { VerifyRecord } from '../verification/decide.ts'
import type { Verifier } from '../verification/verifier.ts'
import type { Caller } from './call.ts'

export const rootCaller: Caller = {
  actor: { type: 'root_key', id: null, name: 'Root key' },
  organizationId: null,
  projects: null,
  scopes: 'all',
}

export interface Authenticated {
  readonly caller: Caller
  /** Null: the root key. */
  readonly record: VerifyRecord | null
  /** When its secret ends. */
  readonly end: Instant
}

/**
 * Who is it that presents this bearer token? The root key or a management key; one of a product is neither.
 *
 * @param address where the call came from, for keys that are bound to addresses
 * @throws DomainError invalid_token with the reason, which only a holder of the real secret learns; management_key_required
 */
export async function authenticate(verifier: Verifier, bearer: string, address: string | null): Promise<Authenticated> {
  if (await verifier.isRootKey(bearer)) return { caller: rootCaller, record: null, end: never }
  const demand = { kinds: ['secret'] as const, ...(address !== null && { ip: address }) }
  const { code, hint, record } = await verifier.inspect(bearer, demand, () => true)
  if (record && record.management === null) throw new DomainError('management_key_required')
  if (code !== 'VALID' || !record) throw new DomainError('invalid_token', { verdict: code, reason: hint })
  const caller: Caller = {
    actor: { type: 'management_key', id: record.keyId, name: record.name },
    organizationId: record.project.organizationId,
    projects: record.management?.projects ? new Set(record.management.projects) : null,
    scopes: new Set(managementScopes.filter((scope): scope is ManagementScope => record.scopes.includes(scope))),
  }
  return { caller, record, end: record.end }
}
