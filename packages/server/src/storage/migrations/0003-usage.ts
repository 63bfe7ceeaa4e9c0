import { type Kysely, sql } from 'kysely'

/** Counts by secret, time and verdict, and where a secret was last called from. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** Hours for as long as people look at hours, days for longer. */
const counts = (name: string, unit: string) => [
  `create table ${name} (
    secret_id text collate "C" not null references secrets (id),
    ${unit} timestamptz not null,
    code text collate "C" not null,
    key_id text collate "C" not null,
    count bigint not null,
    primary key (secret_id, ${unit}, code)
  )`,
  `create index ${name}_by_key on ${name} (key_id, ${unit})`,
  `create index ${name}_by_age on ${name} (${unit})`,
]

const statements = [
  ...counts('usage_hours', 'hour'),
  ...counts('usage_days', 'day'),
  'alter table secret_activity add column last_address text',
  'alter table secret_activity add column last_user_agent text',
  // The last five: [{address, at}], newest first.
  `alter table secret_activity add column addresses jsonb not null default '[]'`,
]
