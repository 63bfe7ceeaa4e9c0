import { sql } from 'kysely'
import type { Reader, Tx } from '../storage/database.ts'

/**
 * A row for every organization that has events for this follower, where there was none. It stands alone: of two transactions that
 * insert the same row one would wait for the other, and a lock that nobody holds is what `lockFollower` goes by.
 */
export async function insertFollowers(reader: Reader, follower: string): Promise<void> {
  await sql`
    insert into event_followers (follower, organization_id, sequence)
    select ${follower}, o.id, coalesce(b.sequence, 0)
    from audit_heads h
    join organizations o on o.id = h.chain
    left join event_followers b on b.organization_id = o.id and b.follower = '*'
    where h.sequence > coalesce(b.sequence, 0)
      and not exists (select from event_followers f where f.follower = ${follower} and f.organization_id = o.id)
    on conflict do nothing`.execute(reader)
}

/** The organizations that have events past the follower, by id. */
export async function listBehind(reader: Reader, follower: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select f.organization_id as id
    from event_followers f
    join audit_heads h on h.chain = f.organization_id
    where f.follower = ${follower} and h.sequence > f.sequence
    order by f.organization_id`.execute(reader)
  return rows.map(({ id }) => id)
}

/** @returns how far it has come; undefined: somebody else is at it */
export async function lockFollower(tx: Tx, organizationId: string, follower: string): Promise<number | undefined> {
  const row = await tx
    .selectFrom('event_followers')
    .select('sequence')
    .where('follower', '=', follower)
    .where('organization_id', '=', organizationId)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  return row?.sequence
}

export async function moveFollower(tx: Tx, organizationId: string, follower: string, sequence: number): Promise<void> {
  await tx
    .updateTable('event_followers')
    .set({ sequence })
    .where('follower', '=', follower)
    .where('organization_id', '=', organizationId)
    .execute()
}
