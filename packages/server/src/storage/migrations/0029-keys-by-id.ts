import { type Kysely, sql } from 'kysely'

/** All keys of an organization in the order of their ids, for its export: the lists are walked by project and by state, which change. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index keys_by_organization on keys (organization_id, id)`.execute(db)
}
