import type { Instant } from '../kernel/instant.ts'
import type { PolicyOverrides } from './policy.ts'

/** A tenant. */
export interface Organization {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly externalId: string | null
  readonly notificationEmail: string | null
  readonly apiAccess: boolean
  readonly policy: PolicyOverrides
  /** IANA name: in which its people are told of things, unless they say otherwise. */
  readonly timeZone: string
  readonly createdAt: Instant
}

/** A part of an organization that keys belong to. */
export interface Project {
  readonly id: string
  readonly organizationId: string
  readonly slug: string
  readonly name: string
  readonly externalId: string | null
  /** The hidden one, for the organization's management keys. */
  readonly management: boolean
  readonly apiAccess: boolean
  readonly policy: PolicyOverrides
  readonly createdAt: Instant
  /** What was asked last of all who hold a secret of it. */
  readonly renewal: Renewal | null
}

/** Secrets made before `requestedAt` are to be renewed until `renewBy`. */
export interface Renewal {
  readonly requestedAt: Instant
  readonly renewBy: Instant
  readonly reason: string
}
