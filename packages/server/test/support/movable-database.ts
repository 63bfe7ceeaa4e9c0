import pg from 'pg'
import { createPostgresDatabase } from './engines.ts'

/** A database whose time can be moved, under all the nodes that are on it at once. */
export interface MovableDatabase {
  readonly url: string
  advance(milliseconds: number): Promise<void>
  drop(): Promise<void>
}

/** Nodes ask it for `clock_timestamp()`, and find ours ahead of PostgreSQL's own. */
export async function createMovableDatabase(): Promise<MovableDatabase> {
  const { url, drop } = await createPostgresDatabase()
  const run = async (text: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query(text, values)
    } finally {
      await client.end()
    }
  }
  await run(`create table moved_time (ahead interval not null);
    insert into moved_time values ('0');
    create function clock_timestamp() returns timestamptz language sql volatile
      as 'select pg_catalog.clock_timestamp() + ahead from public.moved_time';
    do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$`)
  return {
    url,
    drop,
    advance: (milliseconds) => run(`update moved_time set ahead = ahead + $1 * interval '1 ms'`, [milliseconds]),
  }
}
