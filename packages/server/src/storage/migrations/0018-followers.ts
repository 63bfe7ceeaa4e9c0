import { type Kysely, sql } from 'kysely'

/**
 * How far each follower of the audit trail has come. `*` is where those begin that have no row of their own: what happened before
 * there were followers is announced by none.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table event_followers (
      follower text collate "C" not null,
      organization_id text collate "C" not null references organizations (id),
      sequence bigint not null,
      primary key (follower, organization_id)
    )`.execute(db)
  await sql`
    insert into event_followers (follower, organization_id, sequence)
    select '*', o.id, h.sequence from organizations o join audit_heads h on h.chain = o.id`.execute(db)
}
