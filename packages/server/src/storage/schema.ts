import type {
  Actor,
  AuditAction,
  EndedCode,
  Environment,
  JsonObject,
  KeyKind,
  MailAbout,
  MailState,
  OrganizationPolicyEdit,
  ProjectRole,
  ReminderReason,
  ReminderState,
  Role,
  Slot,
  VerdictCode,
} from '@keyturn/contract'
import type { Generated, GeneratedAlways, JSONColumnType } from 'kysely'
import type { Instant } from '../kernel/instant.ts'

/** What Kysely knows of the tables. The truth is in migrations/; both engines give these types (driver-values.ts). */
export interface Schema {
  installation: InstallationTable
  organizations: OrganizationsTable
  projects: ProjectsTable
  keys: KeysTable
  secrets: SecretsTable
  key_activity: KeyActivityTable
  secret_activity: SecretActivityTable
  claim_links: ClaimLinksTable
  feed_tokens: FeedTokensTable
  tracked_credentials: TrackedCredentialsTable
  tracked_values: TrackedValuesTable
  reminder_progress: { subject_id: string; organization_id: string; next_at: Instant }
  reminder_sweeps: { organization_id: string; after_subject: string }
  reminders: RemindersTable
  reminder_acknowledgements: ReminderAcknowledgementsTable
  key_notices: KeyNoticesTable
  mails: MailsTable
  usage_hours: UsageTable & { hour: Instant }
  usage_days: UsageTable & { day: Instant }
  outbox: OutboxTable
  audit_heads: AuditHeadsTable
  audit_events: AuditEventsTable
  audit_signatures: AuditSignaturesTable
  change_feed_head: { only_row: Generated<boolean>; sequence: number }
  change_feed: ChangeFeedTable
  nodes: NodesTable
  idempotent_answers: IdempotentAnswersTable
  people: PeopleTable
  accounts: AccountsTable
  sessions: SessionsTable
  verifications: VerificationsTable
  two_factors: TwoFactorsTable
  members: MembersTable
  former_members: FormerMembersTable
  member_projects: MemberProjectsTable
  invitations: InvitationsTable
  portal_links: PortalLinksTable
  sign_in_attempts: { bucket: string; count: number; since: Instant }
  secret_views: SecretViewsTable
  refused_calls: { caller: string; code: string; minute: Instant }
}

/** jsonb is written as text and read as a value. */
type Json<T extends object | null> = JSONColumnType<T, string, string>

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
  /** When its administrators got the last list of keys to review. */
  review_list_at: Generated<Instant | null>
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

interface RemindersTable {
  id: string
  organization_id: string
  project_id: string | null
  /** Null: of a tracked credential. */
  key_id: string | null
  /** A secret, or a tracked credential. */
  subject_id: string
  reason: ReminderReason
  ends_at: Instant
  /** Before the end; 0: it has ended; negative: so long after it. */
  threshold_seconds: number
  channel: 'email'
  recipient: string
  state: ReminderState
  /** Goes at once instead of with the digest of the day. */
  urgent: boolean
  failure: string | null
  send_at: Instant
  mail_id: Generated<string | null>
  sent_at: Generated<Instant | null>
  created_at: Instant
}

interface ReminderAcknowledgementsTable {
  subject_id: string
  ends_at: Instant
  organization_id: string
  acknowledged_at: Instant
  acknowledged_by: Json<Actor>
}

interface KeyNoticesTable {
  id: string
  organization_id: string
  recipient: string
  /** Of the audit event that it tells of. */
  event_sequence: number
  body: string
  created_at: Instant
  mail_id: Generated<string | null>
}

interface MailsTable {
  id: string
  organization_id: string
  recipient: string
  subject: string
  text: string
  html: string | null
  /** RFC 5322 §3.6.4, with its angle brackets: the same however often it is sent. */
  message_id: string
  about: MailAbout
  state: MailState
  attempts: Generated<number>
  /** Since when it is tried. */
  queued_at: Instant
  next_attempt_at: Instant
  /** Until then it is somebody's who is sending it. */
  leased_until: Generated<Instant | null>
  last_error: Generated<string | null>
  created_at: Instant
  sent_at: Generated<Instant | null>
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
  changed_kind: ChangedKind | null
  changed_id: string | null
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

interface PeopleTable {
  id: string
  name: string
  email: string
  email_verified: boolean
  image: string | null
  two_factor_enabled: Generated<boolean>
  /** IANA name; null: that of the organization. */
  time_zone: Generated<string | null>
  created_at: Instant
  updated_at: Instant
}

interface AccountsTable {
  id: string
  person_id: string
  account_id: string
  provider_id: string
  password: string | null
  created_at: Instant
  updated_at: Instant
}

interface SessionsTable {
  id: string
  token: string
  person_id: string
  /** Of a session that a product gave: it holds there alone. */
  organization_id: string | null
  /** Between password and second factor; nobody holds it. */
  pending: boolean
  ip_address: string | null
  user_agent: string | null
  created_at: Instant
  updated_at: Instant
  expires_at: Instant
}

interface VerificationsTable {
  id: string
  identifier: string
  value: string
  created_at: Instant
  updated_at: Instant
  expires_at: Instant
}

interface TwoFactorsTable {
  id: string
  person_id: string
  secret: string
  backup_codes: string
  verified: boolean
}

interface FormerMembersTable {
  organization_id: string
  email: string
  left_at: Instant
}

interface MembersTable {
  organization_id: string
  person_id: string
  /** On the whole organization; null: on projects alone. */
  role: Role | null
  via: 'set_up' | 'invitation' | 'portal'
  joined_at: Instant
}

interface MemberProjectsTable {
  organization_id: string
  person_id: string
  project_id: string
  role: ProjectRole
}

interface InvitationsTable {
  id: string
  organization_id: string
  email: string
  role: Role | null
  projects: Json<{ project_id: string; role: ProjectRole }[]>
  token_digest: Uint8Array
  /** It went to that address, so whoever has it reads its mail. */
  mailed: Generated<boolean>
  created_by: Json<Actor>
  created_at: Instant
  expires_at: Instant
  accepted_at: Instant | null
  withdrawn_at: Instant | null
}

interface PortalLinksTable {
  id: string
  organization_id: string
  person_id: string
  token_digest: Uint8Array
  session_seconds: number
  created_at: Instant
  expires_at: Instant
  used_at: Instant | null
}

interface SecretViewsTable {
  secret_id: string
  /** Id of who was shown it, else what it is: `root_key`. */
  viewer: string
  key_id: string
  organization_id: string
  shown_at: Instant
}
