import { type Kysely, sql } from 'kysely'

/** When the overlap began that `retires_at` ends: it may be made longer only up to a maximum from there. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table secrets add column overlap_started_at timestamptz`.execute(db)
}
