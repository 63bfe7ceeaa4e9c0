import { type Kysely, sql } from 'kysely'

/**
 * A function plans its statements once for a connection. What is planned while a table is empty reads all of it, and would go on doing so
 * when a million rows have been put there, until PostgreSQL has looked at the table again (a minute, with autovacuum): where a function looks
 * for a few rows among all, it takes the index whatever the planner thinks.
 *
 * The secrets that are to be looked at again are found by their keys, one look into the index for each; the bodies of ten thousand events are
 * put in order in memory.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create or replace function watch_secrets() returns trigger language plpgsql set enable_seqscan = off as $$
    begin
      insert into reminder_progress (subject_id, organization_id, next_at)
        select s.id, s.organization_id, '-infinity' from (select distinct key_id from made) as changed
        cross join lateral (select * from secrets where key_id = changed.key_id offset 0) as s
        where s.ended_at is null or s.id in (select id from made)
        order by s.id on conflict (subject_id) do update set next_at = '-infinity';
      return null;
    end $$`,
  `alter function seal_outbox() set enable_seqscan = off`,
  `alter function seal_outbox() set work_mem = '32MB'`,
  `alter function find_by_digests(bytea) set enable_seqscan = off`,
]
