import type { KeyStatus } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at, instantText } from '../storage/driver-values.ts'
import type { Key } from './key.ts'
import {
  all,
  expirySection,
  inOrder,
  type KeyFilter,
  type KeyOrder,
  type KeyScope,
  type Position,
  type Section,
  type Sql,
  sortedSection,
  union,
  withinReach,
} from './key-list-sql.ts'
import { type KeyRow, keyColumns, toKey } from './key-rows.ts'

export type { KeyFilter, KeyOrder, KeyScope, Position } from './key-list-sql.ts'

export interface PlacedKey {
  readonly key: Key
  readonly position: Position
}

type PlacedRow = KeyRow & { place: Instant | string }

/**
 * One page. Without filters that an index does not see to, it costs the same for any number of keys and of the page: every order
 * is a merge of walks along indexes, from the cursor on and no longer than the page.
 */
export async function listPage(
  reader: Reader,
  scope: KeyScope,
  filter: KeyFilter,
  order: KeyOrder,
  now: Instant,
): Promise<PlacedKey[]> {
  if (order.sort !== 'next_expiry_at') {
    return listSection(reader, scope, filter, order, sortedSection(scope, filter, order, now))
  }
  // Soonest first: those to come, then those ended. The second half is only walked where the first does not fill the page.
  const halves = order.descending ? [true, false] : [false, true]
  const start = order.after === null ? 0 : halves.indexOf(order.after.ended)
  const page: PlacedKey[] = []
  for (const ended of halves.slice(start)) {
    const limit = order.limit - page.length
    if (limit === 0) break
    const rest = { ...order, limit, after: order.after?.ended === ended ? order.after : null }
    page.push(...(await listSection(reader, scope, filter, rest, expirySection(scope, filter, rest, ended, now))))
  }
  return page
}

// How far a walk goes on looking for keys that match a filter for which no index has the order. Enough for a page wherever one
// in 80 matches; where fewer do, fetching all that match and sorting them is quick. What neither bounds is a filter that very many
// keys match, all of them far behind in the order: each of those costs about a microsecond.
const walkedRows = 4_000
// Each project within a caller's reach is walked by itself.
const leastWalkedRows = 200

async function listSection(
  reader: Reader,
  scope: KeyScope,
  filter: KeyFilter,
  order: KeyOrder,
  section: Section,
): Promise<PlacedKey[]> {
  const { search = [] } = filter
  if (search.length + section.loose.length === 0) return fetchKeys(reader, order, section, section.walk(order.limit))

  const length = Math.max(leastWalkedRows, Math.floor(walkedRows / (scope.projects?.length ?? 1)))
  const walk = section.walk(length)
  const found = await fetchKeys(
    reader,
    order,
    section,
    sql`select w.id, w.place from (${walk}) as w join keys k on k.id = w.id
      where ${all([...section.loose, ...search.map(byReading)])} order by ${inOrder(order, sql`w.place`, sql`w.id`)}
      limit ${order.limit}`,
  )
  if (found.length === order.limit) return found

  const { walked, rare } = await explore(reader, section, length, search)
  if (walked < length) return found
  // Without an order inside, so that PostgreSQL does not take a walk along the whole order for the cheaper way.
  const matching = section.matching([
    ...rare.map((term) => sql`k.search @@ ${term}::tsquery`),
    ...search.filter((term) => !rare.includes(term)).map(byReading),
  ])
  return fetchKeys(
    reader,
    order,
    section,
    sql`select * from (${matching} offset 0) as k order by ${inOrder(order)} limit ${order.limit}`,
  )
}

/** A condition that PostgreSQL evaluates on the row, never with the index. */
const byReading = (term: string) => sql`(k.search @@ ${term}::tsquery) is true`

const sampledRows = 1_000
const rareInSample = 50

/**
 * How far the walk came, and by which of the searched words the index is to be asked: it would gather all keys of every word before
 * it compares them, so a frequent word is left to be read in the rows that the rare ones leave.
 */
async function explore(
  reader: Reader,
  section: Section,
  length: number,
  search: readonly string[],
): Promise<{ walked: number; rare: readonly string[] }> {
  const counts = search.map((term) => sql`count(*) filter (where ${byReading(term)})`)
  const { rows } = await sql<{ walked: number; hits: number[] }>`select
    (select count(*) from (${section.walk(length)}) as w)::int as walked,
    ${
      search.length < 2
        ? sql`'{}'::int[]`
        : sql`(select array[${sql.join(counts)}]::int[] from (${section.walk(sampledRows)}) as w join keys k on k.id = w.id)`
    } as hits`.execute(reader)
  const { walked = 0, hits = [] } = rows[0] ?? {}
  if (search.length < 2) return { walked, rare: search }
  const bound = Math.max(rareInSample, Math.min(...hits))
  return { walked, rare: search.filter((_, term) => (hits[term] ?? 0) <= bound) }
}

/** @param places of the keys, in order, which are few */
async function fetchKeys(reader: Reader, order: KeyOrder, section: Section, places: Sql): Promise<PlacedKey[]> {
  const columns = sql.join(keyColumns.map((column) => sql.ref(`k.${column}`)))
  const { rows } = await sql<PlacedRow>`select ${columns}, w.place from (${places}) as w join keys k on k.id = w.id
    order by ${inOrder(order, sql`w.place`, sql`w.id`)}`.execute(reader)
  return rows.map((row) => {
    const value = typeof row.place === 'number' ? instantText(row.place) : row.place
    return { key: toKey(row), position: { ended: section.ended, value, id: row.id } }
  })
}

/** How many of each status there are; counting stops at `most`. */
export async function countByStatus(
  reader: Reader,
  scope: KeyScope,
  now: Instant,
  most: number,
): Promise<Record<KeyStatus, number>> {
  // Ordered as an index is, so that PostgreSQL counts along it and never along the whole table.
  const part = (state: KeyStatus, order: Sql, where: Sql = sql`true`) =>
    withinReach(
      scope,
      'k',
      (scoped) =>
        sql`select from keys k where ${all([...scoped, sql`k.state = ${state}`, where])} order by ${order} limit ${most}`,
    )
  const count = (...parts: Sql[]) =>
    sql`(select count(*) from (select from (${union(parts)}) as parts limit ${most}) as counted)`
  const [first, last, time] = [sql`k.first_end_at`, sql`k.last_end_at`, at(now)]
  const { rows } = await sql<Record<KeyStatus, number>>`select
    ${count(
      part('active', first, sql`k.first_end_at > ${time}`),
      part(
        'active',
        last,
        sql`k.first_end_at < k.last_end_at and k.first_end_at <= ${time} and k.last_end_at > ${time}`,
      ),
    )} as active,
    ${count(part('disabled', first))} as disabled,
    ${count(part('active', first, sql`k.first_end_at <= ${time} and k.last_end_at <= ${time}`))} as expired,
    ${count(part('revoked', first))} as revoked`.execute(reader)
  return rows[0] ?? { active: 0, disabled: 0, expired: 0, revoked: 0 }
}
