import type { KeyStatus } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at, instantText } from '../storage/driver-values.ts'
import type { Key } from './key.ts'
import {
  all,
  inOrder,
  type KeyFilter,
  type KeyOrder,
  type KeyScope,
  matchingKeys,
  type Position,
  type Section,
  type Sql,
  sectionsOf,
  union,
  withinReach,
} from './key-list-sql.ts'
import { type KeyRow, keyColumns, toKey } from './key-rows.ts'

export type { KeyFilter, KeyOrder, KeyScope, Position } from './key-list-sql.ts'

export interface PlacedKey {
  readonly key: Key
  readonly position: Position
}

type PlacedRow = KeyRow & { place: Instant | string; ended: boolean }

/**
 * One page. Where indexes see to all that is asked for, it costs the same for any number of keys and of the page: every order is
 * a merge of walks along indexes, from the cursor on and no longer than the page.
 */
export async function listPage(
  reader: Reader,
  scope: KeyScope,
  filter: KeyFilter,
  order: KeyOrder,
  now: Instant,
): Promise<PlacedKey[]> {
  const search = await planSearch(reader, filter.search ?? [])
  const matching = () => {
    const conditions = matchingKeys(scope, filter, order, now, search.byIndex)
    // Without an order inside, or PostgreSQL may take a walk along the whole of it for the cheaper way.
    return fetchKeys(
      reader,
      order,
      sql`select * from (${conditions} offset 0) as k
      order by ${inOrder(order, sql`k.ended`, sql`k.place`, sql`k.id`)} limit ${order.limit}`,
    )
  }
  if (search.findsFew) return matching()

  const page: PlacedKey[] = []
  // The second half is only walked where the first does not fill the page.
  for (const section of sectionsOf(scope, filter, order, now)) {
    const limit = order.limit - page.length
    if (limit === 0) break
    const { found, complete } = await walkSection(reader, scope, { ...order, limit }, section, search.byReading)
    if (!complete) return matching()
    page.push(...found)
  }
  return page
}

// How far a walk goes on looking for keys that match a filter for which no index has the order: enough for a page wherever one
// in 80 matches. Where fewer do, fetching all that match and sorting them is quick. Neither bounds a filter that very many keys
// match, all of them far behind in the order: each of those costs about a microsecond.
const walkedRows = 4_000
// Each project within a caller's reach is walked by itself.
const leastWalkedRows = 200

/** @returns complete: whether what was found is all there is, or fills the page */
async function walkSection(
  reader: Reader,
  scope: KeyScope,
  order: KeyOrder,
  section: Section,
  search: readonly Sql[],
): Promise<{ found: PlacedKey[]; complete: boolean }> {
  const ended = sql`${section.ended}::boolean as ended`
  const conditions = [...section.loose, ...search]
  if (conditions.length === 0) {
    const walk = section.walk(order.limit)
    return { found: await fetchKeys(reader, order, sql`select w.*, ${ended} from (${walk}) as w`), complete: true }
  }
  const length = Math.max(leastWalkedRows, Math.floor(walkedRows / (scope.projects?.length ?? 1)))
  const walk = section.walk(length)
  const found = await fetchKeys(
    reader,
    order,
    sql`select w.*, ${ended} from (${walk}) as w join keys k on k.id = w.id where ${all(conditions)}
      order by ${inOrder(order, sql`w.place`, sql`w.id`)} limit ${order.limit}`,
  )
  if (found.length === order.limit) return { found, complete: true }
  const { rows } = await sql<{ walked: number }>`select count(*) as walked from (${walk}) as w`.execute(reader)
  return { found, complete: (rows[0]?.walked ?? 0) < length }
}

// Up to this many, fetching and sorting them all is quicker than a walk that finds none of them.
const few = 12_000
// The index gathers all keys of every word that it is asked for before it compares them, at about a third of what reading as many
// keys takes: a word of many more keys than the rarest of those typed is better read in the keys of that one.
const frequent = 30_000
const readingByGathering = 3
const mostWordsEstimated = 8

interface SearchPlan {
  /** Whether so few keys match in the whole database that they are best fetched at once. */
  readonly findsFew: boolean
  /** Conditions on `keys k` for a walk, which reads each key anyway, and for fetching all that match. */
  readonly byReading: readonly Sql[]
  readonly byIndex: readonly Sql[]
}

/** PostgreSQL's own estimates decide about the way to the answer, never about the answer. */
async function planSearch(reader: Reader, terms: readonly string[]): Promise<SearchPlan> {
  const byIndex = (term: string) => sql`k.search @@ ${term}::tsquery`
  // A condition that is more than the operator is never handed to the index.
  const byReading = (term: string) => sql`(k.search @@ ${term}::tsquery) is true`
  if (terms.length === 0) return { findsFew: false, byReading: [], byIndex: [] }
  const counts: number[] = []
  for (const term of terms.slice(0, mostWordsEstimated)) counts.push(await estimate(reader, byIndex(term)))
  const together = counts.length === 1 ? counts[0] : await estimate(reader, byIndex(terms.join(' & ')))
  const bound = Math.max(frequent, readingByGathering * Math.min(...counts))
  return {
    findsFew: (together ?? 0) <= few,
    byReading: terms.map(byReading),
    byIndex: terms.map((term, place) => ((counts[place] ?? Infinity) <= bound ? byIndex(term) : byReading(term))),
  }
}

/** About how many keys of the whole database match, from the statistics that PostgreSQL keeps of words. */
async function estimate(reader: Reader, condition: Sql): Promise<number> {
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain select from keys k where ${condition}`.execute(reader)
  return Number(/ rows=(\d+) /.exec(rows[0]?.['QUERY PLAN'] ?? '')?.[1])
}

/** @param places of the keys as `id`, `place`, `ended`, in order, which are few */
async function fetchKeys(reader: Reader, order: KeyOrder, places: Sql): Promise<PlacedKey[]> {
  const columns = sql.join(keyColumns.map((column) => sql.ref(`k.${column}`)))
  const { rows } =
    await sql<PlacedRow>`select ${columns}, w.place, w.ended from (${places}) as w join keys k on k.id = w.id
    order by ${inOrder(order, sql`w.ended`, sql`w.place`, sql`w.id`)}`.execute(reader)
  return rows.map((row) => {
    const value = typeof row.place === 'number' ? instantText(row.place) : row.place
    return { key: toKey(row), position: { ended: row.ended, value, id: row.id } }
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
  const count = (part: Sql) => sql`(select count(*) from (${part}) as counted)`
  const [first, last, time] = [sql`k.first_end_at`, sql`k.last_end_at`, at(now)]
  const { rows } = await sql<Record<KeyStatus, number>>`select
    ${count(
      sql`select from (${union([
        part('active', first, sql`k.first_end_at > ${time}`),
        part(
          'active',
          last,
          sql`k.first_end_at < k.last_end_at and k.first_end_at <= ${time} and k.last_end_at > ${time}`,
        ),
      ])}) as parts limit ${most}`,
    )} as active,
    ${count(part('disabled', first))} as disabled,
    ${count(part('active', first, sql`k.first_end_at <= ${time} and k.last_end_at <= ${time}`))} as expired,
    ${count(part('revoked', first))} as revoked`.execute(reader)
  return rows[0] ?? { active: 0, disabled: 0, expired: 0, revoked: 0 }
}
