import { type Kysely, sql } from 'kysely'

/** What calendars present, which can send no header: tokens that read expirations and nothing else. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table feed_tokens (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    name text not null,
    projects text[],
    management_keys boolean not null,
    token_digest bytea not null constraint feed_tokens_token_is_unique unique,
    created_at timestamptz not null,
    created_by jsonb not null,
    last_used_at timestamptz,
    revoked_at timestamptz
  )`,
  'create index feed_tokens_by_organization on feed_tokens (organization_id, id)',
]
