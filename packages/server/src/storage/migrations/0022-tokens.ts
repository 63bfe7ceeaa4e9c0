import { type Kysely, sql } from 'kysely'

/**
 * What keys of kind `jwt` need beside their secrets: the keys that sign tokens, the lists that tell of revoked ones, and, for each token, who
 * signed it and where it stands in which list.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  // A number is taken once: of many processes that make the first one, one does.
  `create table signing_keys (
    id text collate "C" primary key,
    number integer not null constraint signing_keys_one_each unique check (number > 0),
    public_key bytea not null check (length(public_key) = 32),
    sealed_private_key bytea not null,
    created_at timestamptz not null,
    created_by jsonb not null,
    signs_from timestamptz not null,
    withdrawn_at timestamptz
  )`,

  `create table status_lists (
    id text collate "C" primary key,
    number integer not null constraint status_lists_one_each unique check (number > 0),
    created_at timestamptz not null
  )`,

  // The value carries its place in the list, and the secret the digest of the value: so this row comes first.
  `create table tokens (
    secret_id text collate "C" primary key references secrets (id) deferrable initially deferred,
    signing_key_id text collate "C" not null references signing_keys (id),
    status_list_id text collate "C" not null references status_lists (id),
    status_index integer not null check (status_index between 0 and 131071),
    expires_at timestamptz not null,
    constraint tokens_one_place_each unique (status_list_id, status_index)
  )`,
  // For how long a public key is wanted.
  'create index tokens_by_signing_key on tokens (signing_key_id, expires_at)',
]
