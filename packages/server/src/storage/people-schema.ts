import type { Actor, ProjectRole, Role } from '@keyturn/contract'
import type { Generated } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Json } from './json-column.ts'

/** People, how they sign in, and what they may do where. */
export interface PeopleSchema {
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
