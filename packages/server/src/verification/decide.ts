import type { KeyKind, Slot, VerdictCode } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Key } from '../keys/key.ts'
import { endOf, secretStatusAt } from '../keys/secret.ts'
import { isInNetworks } from './networks.ts'

/** What is known of a presented secret: all that a verdict depends on. */
export interface VerifyRecord {
  readonly secret: {
    readonly id: string
    readonly slot: Slot
    readonly expiresAt: Instant
    readonly retiresAt: Instant | null
    readonly endedAt: Instant | null
    readonly endedBy: 'revoke' | 'rotate' | null
  }
  readonly key: Pick<
    Key,
    | 'id'
    | 'organizationId'
    | 'projectId'
    | 'management'
    | 'kind'
    | 'environment'
    | 'name'
    | 'owner'
    | 'scopes'
    | 'allowedIps'
    | 'metadata'
    | 'state'
  >
  readonly projectSlug: string
  /** Both switches: the organization's and the project's. */
  readonly apiAccess: boolean
}

export interface VerifyDemand {
  /** Id or slug. */
  readonly project?: string | undefined
  readonly kinds?: readonly KeyKind[] | undefined
  readonly scopes?: readonly string[] | undefined
  readonly ip?: string | undefined
}

/** A publishable value must not pass for a server's. */
const defaultKinds: readonly KeyKind[] = ['secret', 'jwt']

/**
 * May this request pass? The one place that decides it; pure, and never an exception. The caller has made sure that the record
 * is within its reach. What somebody did to the key as a whole comes before what the clock did to the secret.
 */
export function decide(record: VerifyRecord, demand: VerifyDemand, now: Instant): VerdictCode {
  const { key, secret } = record
  if (key.state === 'deleted') return 'NOT_FOUND'
  if (key.state === 'revoked') return 'REVOKED'
  if (key.state === 'disabled') return 'DISABLED'
  if (endOf(secret) <= now) return endedCode(secret, now)
  if (!record.apiAccess) return 'API_ACCESS_DISABLED'
  if (demand.project !== undefined && demand.project !== key.projectId && demand.project !== record.projectSlug) {
    return 'WRONG_PROJECT'
  }
  if (!(demand.kinds ?? defaultKinds).includes(key.kind)) return 'WRONG_KIND'
  if (key.allowedIps.length > 0 && (demand.ip === undefined || !isInNetworks(demand.ip, key.allowedIps))) {
    return 'IP_NOT_ALLOWED'
  }
  if (demand.scopes?.some((scope) => !key.scopes.includes(scope))) return 'INSUFFICIENT_SCOPE'
  return 'VALID'
}

function endedCode(secret: VerifyRecord['secret'], now: Instant): VerdictCode {
  const status = secretStatusAt(secret, now)
  return status === 'revoked' ? 'REVOKED' : status === 'rotated' ? 'ROTATED' : 'EXPIRED'
}
