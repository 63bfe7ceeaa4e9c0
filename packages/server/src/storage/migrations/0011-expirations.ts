import { type Kysely, sql } from 'kysely'

/** What a list of everything that ends, or is to be rotated, is walked along; and how often what it says was changed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  // When the primary was made: a policy that wants secrets rotated counts from there. `successor_made_at` is that of a secondary
  // that outlives the primary: from the first end on it is the primary, with nobody there to write that down.
  `alter table keys
    add column primary_made_at timestamptz not null default clock_timestamp(),
    add column successor_made_at timestamptz,
    add column revision integer not null default 0`,
  `update keys k set
    primary_made_at = coalesce(
      (select max(s.created_at) from secrets s where s.key_id = k.id and s.slot = 'primary'), k.created_at),
    successor_made_at = (
      select max(s.created_at) from secrets s where s.key_id = k.id and s.slot = 'secondary' and s.ended_at is null
        and least(s.expires_at, s.retires_at) = k.last_end_at and k.first_end_at < k.last_end_at)`,
  'create index keys_by_project_primary on keys (project_id, state, primary_made_at, id) include (first_end_at, last_end_at)',
  `create index keys_by_project_successor on keys (project_id, state, successor_made_at, id) include (first_end_at, last_end_at)
    where successor_made_at is not null`,

  // Over all organizations: what ends soon. Few keys do.
  `create index keys_by_first_end on keys (first_end_at) include (last_end_at)
    where state in ('active', 'disabled') and first_end_at < 'infinity'`,
  `create index keys_by_last_end on keys (last_end_at)
    where state in ('active', 'disabled') and first_end_at < last_end_at and last_end_at < 'infinity'`,

  // Secrets in an overlap, and those that somebody ended: few of all.
  `create index secrets_by_retirement on secrets (organization_id, retires_at, key_id)
    where retires_at is not null and ended_at is null`,
  'create index secrets_by_end on secrets (organization_id, ended_at, id) where ended_at is not null',

  'alter table organizations add column policy_revision integer not null default 0',
  'alter table projects add column policy_revision integer not null default 0',
]
