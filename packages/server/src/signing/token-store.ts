import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { ListedStatus } from './status-list.ts'

/** A token, and where its verifiers look up whether it was revoked. */
export interface TokenRecord {
  readonly secretId: string
  readonly signingKeyId: string
  readonly statusListId: string
  readonly statusIndex: number
  readonly expiresAt: Instant
}

/** The one that new tokens stand in. */
export async function findNewestList(reader: Reader): Promise<{ id: string; number: number } | undefined> {
  return reader
    .selectFrom('status_lists')
    .select(['id', 'number'])
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Where another has taken the number meanwhile nothing is done. */
export async function insertList(tx: Tx, list: { id: string; number: number }, now: Instant): Promise<void> {
  await tx
    .insertInto('status_lists')
    .values({ ...list, created_at: at(now) })
    .onConflict((conflict) => conflict.column('number').doNothing())
    .execute()
}

/**
 * Takes the first of these places that is free, for ever.
 *
 * @returns undefined where all are taken, or somebody took the free one at the same moment
 */
export async function insertToken(
  tx: Tx,
  token: Omit<TokenRecord, 'statusIndex'>,
  places: readonly number[],
): Promise<number | undefined> {
  const { rows } = await sql<{ status_index: number }>`
    insert into tokens (secret_id, signing_key_id, status_list_id, status_index, expires_at)
    select ${token.secretId}, ${token.signingKeyId}, ${token.statusListId}, place, ${at(token.expiresAt)}
    from unnest(${[...places]}::integer[]) as place
    where not exists (select from tokens where status_list_id = ${token.statusListId} and status_index = place)
    limit 1
    on conflict (status_list_id, status_index) do nothing
    returning status_index`.execute(tx)
  return rows[0]?.status_index
}

export async function isList(reader: Reader, listId: string): Promise<boolean> {
  const row = await reader.selectFrom('status_lists').select('id').where('id', '=', listId).executeTakeFirst()
  return row !== undefined
}

/**
 * The places of a list that are not valid, as verify would say it of these secrets at this time. Whoever has just ended is still there: a
 * verifier may allow for a clock that is wrong.
 */
export async function listRefused(
  reader: Reader,
  listId: string,
  now: Instant,
  keptMs: number,
): Promise<{ index: number; status: ListedStatus }[]> {
  const { rows } = await sql<{ index: number; status: ListedStatus }>`
    select t.status_index as index,
      case when k.state in ('revoked', 'deleted') or s.ended_at <= ${at(now)} or s.retires_at <= ${at(now)}
        then 'invalid' else 'suspended' end as status
    from tokens t
    join secrets s on s.id = t.secret_id
    join keys k on k.id = s.key_id
    join projects p on p.id = k.project_id
    join organizations o on o.id = k.organization_id
    where t.status_list_id = ${listId} and t.expires_at > ${at(now - keptMs)}
      and (k.state <> 'active' or s.ended_at <= ${at(now)} or s.retires_at <= ${at(now)}
        or not p.api_access or not o.api_access)`.execute(reader)
  return rows
}
