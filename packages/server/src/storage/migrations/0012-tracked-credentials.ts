import { type Kysely, sql } from 'kysely'

/** Credentials that somebody else issued, with every value that was made known of them. No value is: only facts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  // The facts of the newest value stand here too, for lists.
  `create table tracked_credentials (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    project_id text collate "C" references projects (id),
    name text not null,
    purpose text,
    owner text collate "C",
    contact text,
    fingerprint text collate "C",
    issuer text,
    subject text,
    key_id text,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    created_by jsonb not null,
    renewed_at timestamptz not null,
    revision integer not null default 0,
    deleted_at timestamptz
  )`,
  `create index tracked_credentials_by_end on tracked_credentials (organization_id, expires_at, id) where deleted_at is null`,
  'create index tracked_credentials_deleted on tracked_credentials (organization_id, deleted_at) where deleted_at is not null',
  `create index tracked_credentials_ending on tracked_credentials (expires_at)
    where deleted_at is null and expires_at < 'infinity'`,

  // One fingerprint is one credential, also where it was renewed since; a deleted one leaves its fingerprints to others.
  `create table tracked_values (
    credential_id text collate "C" not null references tracked_credentials (id),
    organization_id text collate "C" not null,
    number integer not null,
    fingerprint text collate "C",
    issuer text,
    subject text,
    key_id text,
    expires_at timestamptz not null,
    recorded_at timestamptz not null,
    recorded_by jsonb not null,
    forgotten boolean not null default false,
    primary key (credential_id, number)
  )`,
  `create unique index tracked_values_fingerprint on tracked_values (organization_id, fingerprint)
    where fingerprint is not null and not forgotten`,
]
