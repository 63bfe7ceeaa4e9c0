import type { KeyStatus } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at, instantText } from '../storage/driver-values.ts'
import type { Key } from './key.ts'
import {
  all,
  bounds,
  expiryWalk,
  inOrder,
  inScope,
  type KeyFilter,
  type KeyOrder,
  type KeyScope,
  looseConditions,
  matchingKeys,
  type Position,
  past,
  type Sql,
  sortedWalk,
} from './key-list-sql.ts'
import { type KeyRow, toKey } from './key-rows.ts'

export type { KeyFilter, KeyOrder, KeyScope, Position } from './key-list-sql.ts'

export interface PlacedKey {
  readonly key: Key
  readonly position: Position
}

type PlacedRow = KeyRow & { place: Instant | string }

// How far a walk goes on looking for keys that match a filter for which no index has the order. Enough for a page wherever one
// in 80 matches; where fewer do, fetching all that match and sorting them is quick.
const walkedRows = 4_000

/**
 * One page, at a cost that does not grow with the number of keys nor with the number of the page: every order is a merge of
 * walks along indexes, each from the cursor on and no longer than the page.
 */
export async function listPage(
  reader: Reader,
  scope: KeyScope,
  filter: KeyFilter,
  order: KeyOrder,
  now: Instant,
): Promise<PlacedKey[]> {
  if (order.sort !== 'next_expiry_at') {
    const { rows } = await sql<PlacedRow>`${sortedWalk(scope, filter, order, now)}`.execute(reader)
    return rows.map((row) => toPlaced(row, false))
  }
  // Soonest first: those to come, then those ended. The second half is only walked where the first does not fill the page.
  const halves = order.descending ? [true, false] : [false, true]
  const start = order.after === null ? 0 : halves.indexOf(order.after.ended)
  const page: PlacedKey[] = []
  for (const ended of halves.slice(start)) {
    const limit = order.limit - page.length
    if (limit === 0) break
    const after = order.after?.ended === ended ? order.after : null
    const rows = await expiryPage(reader, scope, filter, { ...order, after, limit }, ended, now)
    page.push(...rows.map((row) => toPlaced(row, ended)))
  }
  return page
}

async function expiryPage(
  reader: Reader,
  scope: KeyScope,
  filter: KeyFilter,
  order: KeyOrder,
  ended: boolean,
  now: Instant,
): Promise<PlacedRow[]> {
  const loose = looseConditions(filter)
  if (loose.length === 0) {
    return (await sql<PlacedRow>`${expiryWalk(scope, filter, order, ended, now)}`.execute(reader)).rows
  }
  const walked = await walkAndFilter(
    reader,
    expiryWalk(scope, filter, { ...order, limit: walkedRows }, ended, now),
    loose,
    order,
  )
  if (walked.complete || walked.rows.length >= order.limit) return walked.rows
  const place = sql`k.place`
  const { rows } = await sql<PlacedRow>`
    with matching as materialized (${matchingKeys(scope, filter, ended, now)})
    select * from matching as k where ${all([...bounds(filter, place), ...past(order, place)])}
    order by ${inOrder(order)} limit ${order.limit}`.execute(reader)
  return rows
}

/** @returns complete: the walk came to its end, so that what it found is all there is */
async function walkAndFilter(
  reader: Reader,
  walk: Sql,
  conditions: readonly Sql[],
  order: KeyOrder,
): Promise<{ rows: PlacedRow[]; complete: boolean }> {
  const { rows } = await sql<{ walked: number } & (PlacedRow | { id: null })>`
    with walked as materialized (${walk})
    select total.walked, found.*
    from (select count(*) as walked from walked) as total
    left join lateral (
      select * from walked as k where ${all(conditions)} order by ${inOrder(order)} limit ${order.limit}
    ) as found on true
    order by ${inOrder(order, sql`found.place`, sql`found.id`)}`.execute(reader)
  return {
    rows: rows.filter((row): row is { walked: number } & PlacedRow => row.id !== null),
    complete: (rows[0]?.walked ?? 0) < walkedRows,
  }
}

function toPlaced(row: PlacedRow, ended: boolean): PlacedKey {
  const value = typeof row.place === 'number' ? instantText(row.place) : row.place
  return { key: toKey(row), position: { ended, value, id: row.id } }
}

/** How many of each status there are; counting stops at `most`. */
export async function countByStatus(
  reader: Reader,
  scope: KeyScope,
  now: Instant,
  most: number,
): Promise<Record<KeyStatus, number>> {
  const part = (state: KeyStatus, ends: Sql) =>
    sql`(select from keys k where ${all([...inScope(scope), sql`k.state = ${state}`, ends])} limit ${most})`
  const count = (...parts: Sql[]) =>
    sql`(select count(*) from (select from (${sql.join(parts, sql` union all `)}) as parts limit ${most}) as counted)`
  const time = at(now)
  const { rows } = await sql<Record<KeyStatus, number>>`select
    ${count(
      part('active', sql`k.first_end_at > ${time}`),
      part('active', sql`k.first_end_at < k.last_end_at and k.first_end_at <= ${time} and k.last_end_at > ${time}`),
    )} as active,
    ${count(part('disabled', sql`true`))} as disabled,
    ${count(part('active', sql`k.first_end_at <= ${time} and k.last_end_at <= ${time}`))} as expired,
    ${count(part('revoked', sql`true`))} as revoked`.execute(reader)
  return rows[0] ?? { active: 0, disabled: 0, expired: 0, revoked: 0 }
}
