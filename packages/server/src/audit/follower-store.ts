import { sql } from 'kysely'
import type { Reader, Tx } from '../storage/database.ts'

/** The organizations that have events past the follower, by id; `isNew`: it has no row there yet. */
export async function listBehind(reader: Reader, follower: string): Promise<{ id: string; isNew: boolean }[]> {
  const { rows } = await sql<{ id: string; isNew: boolean }>`
    select o.id, f.sequence is null as "isNew"
    from audit_heads h
    join organizations o on o.id = h.chain
    left join event_followers f on f.organization_id = o.id and f.follower = ${follower}
    left join event_followers b on b.organization_id = o.id and b.follower = '*'
    where h.sequence > coalesce(f.sequence, b.sequence, 0)
    order by o.id`.execute(reader)
  return rows
}

/**
 * Rows where there were none. They stand alone: of two transactions that insert the same row one would wait for the other, and a lock that
 * nobody holds is what `lockFollower` goes by.
 */
export async function insertFollowers(
  reader: Reader,
  follower: string,
  organizationIds: readonly string[],
): Promise<void> {
  await sql`
    insert into event_followers (follower, organization_id, sequence)
    select ${follower}, id, coalesce(
      (select sequence from event_followers b where b.organization_id = id and b.follower = '*'), 0
    ) from unnest(${[...organizationIds]}::text[]) as id
    on conflict do nothing`.execute(reader)
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

/** Where those begin that have no row of their own, which all of a new organization have not. */
export async function startFollowers(tx: Tx, organizationId: string, sequence: number): Promise<void> {
  await tx.insertInto('event_followers').values({ follower: '*', organization_id: organizationId, sequence }).execute()
}
