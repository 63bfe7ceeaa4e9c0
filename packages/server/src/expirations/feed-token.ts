import type { Actor } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/** What a calendar presents: it reads expirations and nothing else, until it is revoked. */
export interface FeedToken {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  /** Null: all. */
  readonly projects: readonly string[] | null
  readonly managementKeys: boolean
  readonly createdAt: Instant
  readonly createdBy: Actor
  readonly lastUsedAt: Instant | null
  readonly revokedAt: Instant | null
}

/** May a caller who reaches these projects see the token, and take it away? Not one that reaches further projects. */
export function isTokenInReach({ projects }: FeedToken, reached: ReadonlySet<string> | null): boolean {
  return reached === null || (projects !== null && projects.every((id) => reached.has(id)))
}
