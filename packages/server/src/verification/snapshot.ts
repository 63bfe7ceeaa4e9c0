import type { Quota, RateLimit, Slot } from '@keyturn/contract'
import { type Instant, never } from '../kernel/instant.ts'
import { endOf, secretStatusAt } from '../keys/secret.ts'
import { primaryFrom } from '../keys/slots.ts'
import { limitsOf } from '../limits/limit.ts'
import { effectivePolicy } from '../organizations/policy.ts'
import type { ProjectScope, VerifyRecord } from './decide.ts'
import { warnBefore } from './warning.ts'

/** What was found about some digests, all in one snapshot. */
export interface Snapshot {
  /** The newest change that the snapshot has. */
  readonly head: number
  readonly now: Instant
  /** By digest, in hex; what is not here no key has. */
  readonly found: ReadonlyMap<string, VerifyRecord | 'root'>
}

/** As the database gives it. */
export interface FoundRow {
  head: number
  now: Instant
  root: string | null
  digest: string | null
  secret_id: string
  slot: Slot
  created_at: Instant
  expires_at: Instant
  retires_at: Instant | null
  overlap_started_at: Instant | null
  ended_at: Instant | null
  ended_by: 'revoke' | 'rotate' | null
  /** The last end of the key's other secrets; null for a primary. */
  others_end: Instant | null
  key_id: string
  kind: VerifyRecord['kind']
  environment: VerifyRecord['environment']
  name: string
  owner: string | null
  scopes: string[]
  allowed_ips: string[]
  metadata: VerifyRecord['metadata']
  state: VerifyRecord['state']
  management: boolean
  management_projects: string[] | null
  organization_id: string
  project_id: string
  project_slug: string
  api_access: boolean
  /** As somebody has set them; null: nobody has. */
  organization_thresholds: number[] | null
  project_thresholds: number[] | null
  rate_limit: RateLimit | null
  quota: Quota | null
}

/** @param rows at least one: the head is in each of them, with nothing beside it where nothing was found */
export function toSnapshot(rows: readonly FoundRow[]): Snapshot {
  const [first] = rows
  if (!first) throw new Error('the head of the change feed is missing')
  const found = new Map<string, VerifyRecord | 'root'>()
  const projects = new Map<string, ProjectScope>()
  for (const row of rows) if (row.digest !== null) found.set(row.digest, toRecord(row, projects))
  if (first.root !== null) found.set(first.root, 'root')
  return { head: first.head, now: first.now, found }
}

function toRecord(row: FoundRow, projects: Map<string, ProjectScope>): VerifyRecord {
  let project = projects.get(row.project_id)
  if (!project) {
    project = {
      organizationId: row.organization_id,
      projectId: row.project_id,
      projectSlug: row.project_slug,
      apiAccess: row.api_access,
      stale: false,
    }
    projects.set(row.project_id, project)
  }
  const secret = { expiresAt: row.expires_at, retiresAt: row.retires_at, endedAt: row.ended_at, endedBy: row.ended_by }
  const end = endOf(secret)
  return {
    secretId: row.secret_id,
    slot: row.slot,
    primaryFrom: primaryFrom(row.slot, end, row.others_end),
    end,
    endCode: endCodes[secretStatusAt(secret, never)],
    warnBefore: warnBefore(lifeOf(row), end, thresholdsOf(row)),
    keyId: row.key_id,
    kind: row.kind,
    environment: row.environment,
    name: row.name,
    owner: row.owner,
    scopes: row.scopes,
    allowedIps: row.allowed_ips,
    metadata: row.metadata,
    limits: limitsOf(row.rate_limit, row.quota),
    state: row.state,
    management: row.management ? { projects: row.management_projects } : null,
    project,
  }
}

const lifeOf = (row: FoundRow) => ({
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  retiresAt: row.retires_at,
  overlapStartedAt: row.overlap_started_at,
})

function thresholdsOf({ organization_thresholds: ofAll, project_thresholds: own }: FoundRow): readonly number[] {
  const set = (thresholds: number[] | null) => (thresholds === null ? {} : { reminder_thresholds: thresholds })
  return effectivePolicy(set(ofAll), set(own)).reminder_thresholds
}

/** What is said of a secret from its end on; one that never ends has no such moment. */
const endCodes = { live: 'EXPIRED', expired: 'EXPIRED', rotated: 'ROTATED', revoked: 'REVOKED' } as const
