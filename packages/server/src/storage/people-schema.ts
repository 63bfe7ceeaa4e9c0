import type { Actor, ProjectRole, Role } from '@keyturn/contract'
import type { Generated, JSONColumnType } from 'kysely'
import type { Instant } from '../kernel/instant.ts'

export interface PeopleTable {
  id: string
  name: string
  email: string
  email_verified: boolean
  image: string | null
  two_factor_enabled: Generated<boolean>
  created_at: Instant
  updated_at: Instant
}

export interface AccountsTable {
  id: string
  person_id: string
  account_id: string
  provider_id: string
  password: string | null
  created_at: Instant
  updated_at: Instant
}

export interface SessionsTable {
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

export interface VerificationsTable {
  id: string
  identifier: string
  value: string
  created_at: Instant
  updated_at: Instant
  expires_at: Instant
}

export interface TwoFactorsTable {
  id: string
  person_id: string
  secret: string
  backup_codes: string
  verified: boolean
}

export interface FormerMembersTable {
  organization_id: string
  email: string
  left_at: Instant
}

export interface MembersTable {
  organization_id: string
  person_id: string
  /** On the whole organization; null: on projects alone. */
  role: Role | null
  via: 'set_up' | 'invitation' | 'portal'
  joined_at: Instant
}

export interface MemberProjectsTable {
  organization_id: string
  person_id: string
  project_id: string
  role: ProjectRole
}

export interface InvitationsTable {
  id: string
  organization_id: string
  email: string
  role: Role | null
  projects: JSONColumnType<{ project_id: string; role: ProjectRole }[], string, string>
  token_digest: Uint8Array
  /** It went to that address, so whoever has it reads its mail. */
  mailed: Generated<boolean>
  created_by: JSONColumnType<Actor, string, string>
  created_at: Instant
  expires_at: Instant
  accepted_at: Instant | null
  withdrawn_at: Instant | null
}

export interface PortalLinksTable {
  id: string
  organization_id: string
  person_id: string
  token_digest: Uint8Array
  session_seconds: number
  created_at: Instant
  expires_at: Instant
  used_at: Instant | null
}
