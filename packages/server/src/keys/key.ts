import type { Actor, AuditAction, Environment, JsonObject, KeyKind, Quota, RateLimit, Slot } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/**
 * What may happen to a key as a whole. Secrets have their own states (secret.ts).
 *
 *   active ◄──► disabled        both ──► revoked ──► deleted
 *
 * Expired is not a state: it is what `statusAt` says once the last secret has ended.
 */
export type KeyState = 'active' | 'disabled' | 'revoked' | 'deleted'

/** A stable record. Its secrets come and go; history, limits and use stay on it. */
export interface Key {
  readonly id: string
  readonly organizationId: string
  readonly projectId: string
  /** Set for management keys, which Keyturn itself accepts: the projects that they reach, null for all. */
  readonly management: { readonly projects: readonly string[] | null } | null
  readonly kind: KeyKind
  readonly environment: Environment
  readonly name: string
  readonly purpose: string | null
  readonly owner: string | null
  readonly contact: string | null
  readonly scopes: readonly string[]
  readonly allowedIps: readonly string[]
  readonly metadata: JsonObject
  readonly rateLimit: RateLimit | null
  readonly quota: Quota | null
  readonly state: KeyState
  /** The publishable key that its project was born with. */
  readonly legacy: boolean
  /** The ends of its live secrets, the earlier and the later; never is `Infinity`. */
  readonly firstEndAt: Instant
  readonly lastEndAt: Instant
  readonly createdAt: Instant
  readonly createdBy: Actor
  readonly lastAction: { readonly action: AuditAction; readonly actor: Actor; readonly at: Instant }
  readonly reviewedAt: Instant | null
  readonly revokedReason: string | null
}

/** One value of a key. */
export interface SecretRecord {
  readonly id: string
  readonly keyId: string
  readonly slot: Slot
  readonly hint: string
  /** Of publishable keys alone; of others the value is kept nowhere. */
  readonly value: string | null
  readonly createdAt: Instant
  readonly expiresAt: Instant
  /** The end of its overlap; null outside one. */
  readonly retiresAt: Instant | null
  /** When that overlap began. */
  readonly overlapStartedAt: Instant | null
  readonly endedAt: Instant | null
  readonly endedBy: 'revoke' | 'rotate' | null
}
