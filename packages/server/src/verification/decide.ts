import type { Environment, JsonObject, KeyKind, Slot, VerdictCode } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Key, KeyState } from '../keys/key.ts'
import type { KeyLimits } from '../limits/limit.ts'
import { isInNetworks } from './networks.ts'

/** What the keys of one project share. One object for all of them: when it changes, it is marked, and they are read again. */
export interface ProjectScope {
  readonly organizationId: string
  readonly projectId: string
  readonly projectSlug: string
  /** Both switches: the organization's and the project's. It never applies to management keys. */
  readonly apiAccess: boolean
  stale: boolean
}

/** What is known of a presented secret: all that a verdict depends on. Flat, because a node keeps a million of them. */
export interface VerifyRecord {
  readonly secretId: string
  readonly slot: Slot
  /** From when on that is the primary, because the other secret has ended; never where it is so already, or will not be. */
  readonly primaryFrom: Instant
  /** When the secret ends, by whatever comes first, and what is said of it from then on. */
  readonly end: Instant
  readonly endCode: 'EXPIRED' | 'ROTATED' | 'REVOKED'
  /** So many milliseconds before it, each verdict says that it is near. */
  readonly warnBefore: number
  readonly keyId: string
  readonly kind: KeyKind
  readonly environment: Environment
  readonly name: string
  readonly owner: string | null
  readonly scopes: readonly string[]
  readonly allowedIps: readonly string[]
  readonly metadata: JsonObject
  /** Null for the most keys. */
  readonly limits: KeyLimits | null
  readonly state: KeyState
  readonly management: Key['management']
  readonly project: ProjectScope
}

export interface VerifyDemand {
  /** Id or slug. */
  readonly project?: string | undefined
  readonly kinds?: readonly KeyKind[] | undefined
  readonly scopes?: readonly string[] | undefined
  readonly ip?: string | undefined
  /** What is taken from the limits of the key; left out where the question is none that counts. */
  readonly cost?: number | undefined
}

/**
 * May this request pass, as far as its limits go? The one place that decides it; pure, and never an exception. The caller has made sure that the record
 * is within its reach. What somebody did to the key as a whole comes before what the clock did to the secret.
 */
export function decide(record: VerifyRecord, demand: VerifyDemand, now: Instant): VerdictCode {
  if (record.state !== 'active') {
    return record.state === 'disabled' ? 'DISABLED' : record.state === 'revoked' ? 'REVOKED' : 'NOT_FOUND'
  }
  if (record.end <= now) return record.endCode
  const { project } = record
  if (!project.apiAccess && record.management === null) return 'API_ACCESS_DISABLED'
  if (demand.project !== undefined && demand.project !== project.projectId && demand.project !== project.projectSlug) {
    return 'WRONG_PROJECT'
  }
  // A publishable value must not pass for a server's.
  if (demand.kinds === undefined ? record.kind === 'publishable' : !demand.kinds.includes(record.kind))
    return 'WRONG_KIND'
  if (record.allowedIps.length > 0 && (demand.ip === undefined || !isInNetworks(demand.ip, record.allowedIps))) {
    return 'IP_NOT_ALLOWED'
  }
  if (demand.scopes?.some((scope) => !record.scopes.includes(scope))) return 'INSUFFICIENT_SCOPE'
  return 'VALID'
}
