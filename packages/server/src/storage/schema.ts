import type {
  Actor,
  AuditAction,
  EndedCode,
  Environment,
  JsonObject,
  KeyKind,
  OrganizationPolicyEdit,
  Quota,
  RateLimit,
  Refill,
  Slot,
  VerdictCode,
} from '@keyturn/contract'
import type { Generated, GeneratedAlways } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { ChannelSchema } from './channel-schema.ts'
import type { Json, JsonOrNull } from './json-column.ts'
import type { PeopleSchema } from './people-schema.ts'
import type { ReminderSchema } from './reminder-schema.ts'
import type { TokenSchema } from './token-schema.ts'

/** What Kysely knows of the tables. The truth is in migrations/; both engines give these types (result-values.ts). */
export interface Schema extends PeopleSchema, ReminderSchema, ChannelSchema, TokenSchema {
  installation: InstallationTable
  organizations: OrganizationsTable
  projects: ProjectsTable
  keys: KeysTable
  secrets: SecretsTable
  quota_draws: QuotaDrawsTable
  key_activity: KeyActivityTable
  secret_activity: SecretActivityTable
  claim_links: ClaimLinksTable
  feed_tokens: FeedTokensTable
  tracked_credentials: TrackedCredentialsTable
  tracked_values: TrackedValuesTable
  usage_hours: UsageTable & { hour: Instant }
  usage_days: UsageTable & { day: Instant }
  outbox: OutboxTable
  /** `*`: where followers begin that have no row of their own. */
  event_followers: { follower: string; organization_id: string; sequence: number }
  audit_heads: AuditHeadsTable
  audit_events: AuditEventsTable
  audit_signatures: AuditSignaturesTable
  change_feed_head: { only_row: Generated<boolean>; sequence: number }
  change_feed: ChangeFeedTable
  nodes: NodesTable
  idempotent_answers: IdempotentAnswersTable
  refused_calls: { caller: string; code: string; minute: Instant }
}

interface InstallationTable {
  only_row: Generated<boolean>
  master_key_check: Uint8Array
  root_key_digest: Uint8Array | null
  created_at: Instant
}

interface OrganizationsTable {
  id: string
  slug: string
  name: string
  external_id: string | null
  notification_email: string | null
  api_access: Generated<boolean>
  policy: Json<OrganizationPolicyEdit>
  /** Goes up with every change of the policy. */
  policy_revision: Generated<number>
  /** IANA name. */
  time_zone: Generated<string>
  /** When to look next whether keys are to be reviewed. */
  review_look_at: Generated<Instant>
  created_at: Instant
}

interface ProjectsTable {
  id: string
  organization_id: string
  slug: string
  name: string
  external_id: string | null
  /** The hidden project that holds an organization's management keys. */
  management: Generated<boolean>
  api_access: Generated<boolean>
  policy: Json<OrganizationPolicyEdit>
  /** Goes up with every change of the policy. */
  policy_revision: Generated<number>
  created_at: Instant
  /** All three or none. */
  renewal_requested_at: Generated<Instant | null>
  renewal_by: Generated<Instant | null>
  renewal_reason: Generated<string | null>
}

export type KeyStateColumn = 'active' | 'disabled' | 'revoked' | 'deleted'

interface KeysTable {
  id: string
  organization_id: string
  project_id: string
  management: boolean
  management_projects: string[] | null
  kind: KeyKind
  environment: Environment
  name: string
  /** The name as it is compared and sorted: without case and accents. */
  name_key: string
  purpose: string | null
  owner: string | null
  contact: string | null
  scopes: string[]
  allowed_ips: string[]
  metadata: Json<JsonObject>
  rate_limit: JsonOrNull<RateLimit>
  quota: JsonOrNull<Quota>
  state: KeyStateColumn
  legacy: boolean
  first_end_at: Instant
  last_end_at: Instant
  created_at: Instant
  created_by: Json<Actor>
  last_action: AuditAction
  last_actor: Json<Actor>
  last_action_at: Instant
  reviewed_at: Instant | null
  revoked_reason: string | null
  search: string
  /** A policy that wants secrets rotated counts from there. */
  primary_made_at: Generated<Instant>
  /** Of a secondary that outlives the primary: from `first_end_at` on it is the primary. */
  successor_made_at: Instant | null
  /** Goes up with every change. */
  revision: Generated<number>
}

interface SecretsTable {
  id: string
  key_id: string
  organization_id: string
  slot: Slot
  digest: Uint8Array
  hint: string
  /** Of publishable keys alone. */
  value: string | null
  created_at: Instant
  expires_at: Instant
  retires_at: Instant | null
  /** Null outside an overlap. */
  overlap_started_at: Instant | null
  ended_at: Instant | null
  ended_by: 'revoke' | 'rotate' | null
}

/** What nodes have taken out of a key's quota, to use it. */
interface QuotaDrawsTable {
  key_id: string
  refill: Refill
  /** When the day or month began that `drawn` is of. */
  period: Instant
  drawn: number
  /** By the last draw. */
  granted: number
}

interface ClaimLinksTable {
  id: string
  key_id: string
  organization_id: string
  /** SHA-256 of the token in the link. */
  token_digest: Uint8Array
  created_at: Instant
  created_by: Json<Actor>
  expires_at: Instant
  claimed_at: Instant | null
  /** The one that was made for whoever claimed it. */
  secret_id: string | null
  withdrawn_at: Instant | null
}

interface FeedTokensTable {
  id: string
  organization_id: string
  name: string
  /** Null: all. */
  projects: string[] | null
  management_keys: boolean
  /** SHA-256 of the token. */
  token_digest: Uint8Array
  created_at: Instant
  created_by: Json<Actor>
  last_used_at: Generated<Instant | null>
  revoked_at: Generated<Instant | null>
}

interface TrackedFactsColumns {
  /** SHA-256 of the value, in hex. */
  fingerprint: string | null
  issuer: string | null
  subject: string | null
  key_id: string | null
  expires_at: Instant
}

interface TrackedCredentialsTable extends TrackedFactsColumns {
  id: string
  organization_id: string
  project_id: string | null
  name: string
  purpose: string | null
  owner: string | null
  contact: string | null
  created_at: Instant
  created_by: Json<Actor>
  renewed_at: Instant
  /** Goes up with every change. */
  revision: Generated<number>
  deleted_at: Generated<Instant | null>
}

interface TrackedValuesTable extends TrackedFactsColumns {
  credential_id: string
  organization_id: string
  number: number
  recorded_at: Instant
  recorded_by: Json<Actor>
  /** Its credential was deleted. */
  forgotten: Generated<boolean>
}

interface KeyActivityTable {
  key_id: string
  organization_id: string
  project_id: string
  management: boolean
  state: KeyStateColumn
  /** -Infinity: never called. */
  last_used_at: Instant
  /** By a secret that had ended; -Infinity: never. */
  last_refused_at: Generated<Instant>
}

interface SecretActivityTable {
  secret_id: string
  last_used_at: Instant
  last_address: string | null
  last_user_agent: string | null
  /** The last five, newest first. What was written before there were user agents beside them has none. */
  addresses: Generated<{ address: string; at: string; user_agent?: string | null }[]>
  /** After its end; -Infinity: never called then. */
  last_refused_at: Generated<Instant>
  last_refused_code: EndedCode | null
}

interface UsageTable {
  secret_id: string
  key_id: string
  code: VerdictCode
  count: number
}

interface OutboxTable {
  id: GeneratedAlways<number>
  chain: string | null
  body: string | null
  /** Of many events at once, instead. */
  bodies: string[] | null
  changed_kind: ChangedKind | null
  changed_id: string | null
  /** Whose verdicts change, where they are not all those of one key. */
  digests: Uint8Array[] | null
}

/** What a change of the feed is about; everything under it may have another verdict now. */
export type ChangedKind = 'key' | 'project' | 'organization' | 'root_key'

interface AuditHeadsTable {
  chain: string
  sequence: number
  hash: Uint8Array
}

interface AuditEventsTable {
  chain: string
  sequence: number
  hash: Uint8Array
  body: string
  at: GeneratedAlways<string>
  action: GeneratedAlways<string>
  actor: GeneratedAlways<string>
  key_id: GeneratedAlways<string | null>
  project_id: GeneratedAlways<string | null>
}

interface AuditSignaturesTable {
  chain: string
  sequence: number
  hash: Uint8Array
  signature: Uint8Array
  signed_at: Instant
}

interface ChangeFeedTable {
  sequence: number
  nonce: string
  changed_kind: ChangedKind
  changed_id: string
  /** Of a key: those of its secrets. */
  digests: Uint8Array[] | null
}

interface NodesTable {
  id: string
  version: string
  started_at: Instant
  heartbeat: number
  applied_sequence: number
  max_staleness_ms: number
}

interface IdempotentAnswersTable {
  caller: string
  route: string
  idempotency_key: string
  body_digest: Uint8Array
  status: number | null
  answer: string | null
  sealed_answer: Uint8Array | null
  created_at: Instant
}
