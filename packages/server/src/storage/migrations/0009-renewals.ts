import { type Kysely, sql } from 'kysely'

/** That all secrets of a project that were made before a moment are to be renewed: what was asked last. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table projects
    add column renewal_requested_at timestamptz,
    add column renewal_by timestamptz,
    add column renewal_reason text,
    add check ((renewal_requested_at is null) = (renewal_by is null) and (renewal_by is null) = (renewal_reason is null))`.execute(
    db,
  )
}
