import { type Kysely, sql } from 'kysely'

/** Links by which somebody without an account is given a new secret of a key. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  // The secret of a claim is named before it is inserted: the link is taken first, so that the second of two finds it taken.
  `create table claim_links (
    id text collate "C" primary key,
    key_id text collate "C" not null references keys (id),
    organization_id text collate "C" not null,
    token_digest bytea not null constraint claim_links_token_is_unique unique,
    created_at timestamptz not null,
    created_by jsonb not null,
    expires_at timestamptz not null,
    claimed_at timestamptz,
    secret_id text collate "C" references secrets (id) deferrable initially deferred,
    withdrawn_at timestamptz,
    check ((claimed_at is null) = (secret_id is null)),
    check (claimed_at is null or withdrawn_at is null)
  )`,
  'create index claim_links_by_key on claim_links (key_id, id)',
]
