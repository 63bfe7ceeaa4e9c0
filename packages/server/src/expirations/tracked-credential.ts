import type { Actor } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/** What is known of one value of a credential that somebody else issued. The value itself is told to nobody, least of all to us. */
export interface TrackedFacts {
  /** SHA-256 of the value, in hex. */
  readonly fingerprint: string | null
  readonly issuer: string | null
  readonly subject: string | null
  readonly keyId: string | null
  /** Infinity: it says that it never ends, or says nothing. */
  readonly expiresAt: Instant
}

/** A credential that somebody else issued, with the facts of its newest value. */
export interface TrackedCredential extends TrackedFacts {
  readonly id: string
  readonly organizationId: string
  readonly projectId: string | null
  readonly name: string
  readonly purpose: string | null
  readonly owner: string | null
  readonly contact: string | null
  readonly createdAt: Instant
  readonly createdBy: Actor
  /** When its newest value was made known. */
  readonly renewedAt: Instant
  /** Goes up with every change. */
  readonly revision: number
}

/** A value that it had or has. */
export interface TrackedValue extends TrackedFacts {
  readonly recordedAt: Instant
  readonly recordedBy: Actor
}
