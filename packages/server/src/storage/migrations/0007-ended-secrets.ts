import { type Kysely, sql } from 'kysely'

/** Calls with secrets that have ended: the last one of each secret, and of each key for lists. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** Few keys have any, and only those are in the index. */
const byRefusal = (scope: 'project' | 'organization') =>
  `create index key_activity_refused_by_${scope} on key_activity (${scope}_id, state, last_refused_at, key_id)
    where last_refused_at > '-infinity'${scope === 'organization' ? ' and not management' : ''}`

const statements = [
  `alter table secret_activity add column last_refused_at timestamptz not null default '-infinity'`,
  'alter table secret_activity add column last_refused_code text collate "C"',
  `alter table key_activity add column last_refused_at timestamptz not null default '-infinity'`,
  byRefusal('project'),
  byRefusal('organization'),
]
