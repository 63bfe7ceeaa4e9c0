import type { KeySort, KeyStatus } from '@keyturn/contract'
import { type RawBuilder, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import { at } from '../storage/driver-values.ts'

/** Whose keys: those of a project, or those of an organization but for its management keys. */
export interface KeyScope {
  readonly organizationId: string
  readonly projectId: string | null
  /** Of an organization only those of these projects. */
  readonly projects?: readonly string[]
}

export interface KeyFilter {
  readonly statuses: readonly KeyStatus[]
  readonly kinds?: readonly string[]
  readonly owner?: string
  /** Tsqueries of lexemes as search-words.ts makes them; all must match. */
  readonly search?: readonly string[]
  readonly expiresBefore?: Instant
  readonly expiresAfter?: Instant
  readonly unusedSince?: Instant
  readonly refusedSince?: Instant
}

export interface KeyOrder {
  readonly sort: KeySort
  readonly descending: boolean
  readonly limit: number
  readonly after: Position | null
}

/** The place of a row in an order: unended before ended (next expiry alone), then the sorted value, then the id. */
export interface Position {
  readonly ended: boolean
  /** A name, or an instant as text. */
  readonly value: string
  readonly id: string
}

export type Sql = RawBuilder<unknown>

export const all = (conditions: readonly Sql[]): Sql => sql.join([sql`true`, ...conditions], sql` and `)
export const union = (parts: readonly Sql[]): Sql =>
  sql.join(
    parts.map((part) => sql`(${part})`),
    sql` union all `,
  )

/** A list, or a half of one, that walks along indexes give in order. */
export interface Section {
  readonly ended: boolean
  /**
   * Ids and places of the first rows from the cursor on. Whatever a walk looks at or gives is in its index: each row costs about
   * the same, and PostgreSQL never takes reading and sorting the whole table for the cheaper way.
   */
  walk(limit: number): Sql
  /** What the walk does not see to, but for the search: conditions on `keys k`. */
  readonly loose: readonly Sql[]
}

/** In their order; one where the order knows no ended keys. */
export function sectionsOf(scope: KeyScope, filter: KeyFilter, order: KeyOrder, now: Instant): Section[] {
  if (order.sort !== 'next_expiry_at') return [sortedSection(scope, filter, order, now)]
  // Soonest first: those to come, then those ended.
  const halves = order.descending ? [true, false] : [false, true]
  const start = order.after === null ? 0 : halves.indexOf(order.after.ended)
  return halves
    .slice(start)
    .map((ended) =>
      expirySection(scope, filter, order.after?.ended === ended ? order : { ...order, after: null }, ended, now),
    )
}

/**
 * The order by next expiry is a merge of two walks: keys of which no secret has ended, by their first end, and keys of which
 * one has, by their last. Never is `infinity`, so never-expiring keys come last by themselves. Keys that have ended are walked
 * apart, those with one end and those with two.
 */
function expirySection(scope: KeyScope, filter: KeyFilter, order: KeyOrder, ended: boolean, now: Instant): Section {
  const [first, last, time] = [sql`k.first_end_at`, sql`k.last_end_at`, at(now)]
  const walks: { place: Sql; where: Sql }[] = ended
    ? [
        { place: first, where: sql`k.first_end_at = k.last_end_at and k.first_end_at <= ${time}` },
        { place: last, where: sql`k.first_end_at < k.last_end_at and k.last_end_at <= ${time}` },
      ]
    : [
        { place: first, where: sql`k.first_end_at > ${time}` },
        {
          place: last,
          where: sql`k.first_end_at < k.last_end_at and k.first_end_at <= ${time} and k.last_end_at > ${time}`,
        },
      ]
  // Kind and owner have indexes of their own in this order; where both are wanted, the owner has fewer keys.
  const kinds = filter.owner === undefined ? filter.kinds : undefined
  const facets = kinds
    ? kinds.map((kind) => sql`k.kind = ${kind}`)
    : [filter.owner === undefined ? sql`true` : sql`k.owner = ${filter.owner}`]
  const legs = statesOf(filter, ended).flatMap((state) =>
    facets.flatMap((facet) =>
      walks.map(({ place, where }) => ({
        from: sql`keys k`,
        place,
        where: [sql`k.state = ${state}`, facet, where, ...bounds(filter, place)],
      })),
    ),
  )
  return {
    ended,
    walk: (limit) => merge(scope, { ...order, limit }, legs),
    loose: [...(kinds ? [] : ofKinds(filter)), ...byCalls(scope, filter)],
  }
}

/** Orders that are a column: one walk for each state, merged. */
function sortedSection(scope: KeyScope, filter: KeyFilter, order: KeyOrder, now: Instant): Section {
  const place = placeOf(order, now)
  const legs = storedStates(filter).map((state) =>
    order.sort === 'last_used_at'
      ? { from: sql`key_activity a`, alias: 'a', id: sql`a.key_id`, place, where: [sql`a.state = ${state}`] }
      : { from: sql`keys k`, place, where: [sql`k.state = ${state}`] },
  )
  return {
    ended: false,
    walk: (limit) => merge(scope, { ...order, limit }, legs),
    loose: [
      ...activeOrExpired(filter, now),
      ...ofKinds(filter),
      ...ofOwner(filter),
      ...bounds(filter, nextExpiry(now)),
      ...byCalls(scope, filter),
    ],
  }
}

/** All that match from the cursor on, as `id`, `place`, `ended`, in no order. @param search conditions on `keys k` */
export function matchingKeys(
  scope: KeyScope,
  filter: KeyFilter,
  order: KeyOrder,
  now: Instant,
  search: readonly Sql[],
): Sql {
  const isEnded = sql`k.last_end_at <= ${at(now)}`
  const ended = order.sort === 'next_expiry_at' ? isEnded : sql`false`
  const place = placeOf(order, now)
  const source = order.sort === 'last_used_at' ? sql`keys k join key_activity a on a.key_id = k.id` : sql`keys k`
  return sql`select k.id, ${place} as place, ${ended} as ended from ${source} where ${all([
    ...inScope(scope),
    sql`k.state = any(${storedStates(filter)}::text[])`,
    ...activeOrExpired(filter, now),
    ...ofKinds(filter),
    ...ofOwner(filter),
    ...bounds(filter, nextExpiry(now)),
    ...byCalls(scope, filter),
    ...search,
    ...(order.after === null ? [] : [beyond(order, order.after, [ended, sql`${order.after.ended}::boolean`], place)]),
  ])}`
}

interface Leg {
  readonly from: Sql
  readonly alias?: string
  readonly id?: Sql
  readonly place: Sql
  readonly where: readonly Sql[]
}

/** Walks along indexes, each no longer than the whole, merged into one order. */
function merge(scope: KeyScope, order: KeyOrder, legs: readonly Leg[]): Sql {
  if (legs.length === 0) return sql`select id, last_end_at as place from keys where false`
  return sql`select * from (${union(legs.map((leg) => walkAlong(scope, order, leg)))}) as k
    order by ${inOrder(order, sql`k.place`, sql`k.id`)} limit ${order.limit}`
}

function walkAlong(scope: KeyScope, order: KeyOrder, leg: Leg): Sql {
  const { from, alias = 'k', id = sql`k.id`, place, where } = leg
  const past = order.after === null ? [] : [beyond(order, order.after, [], place, id)]
  const walk = (scoped: readonly Sql[]) =>
    sql`select ${id} as id, ${place} as place from ${from} where ${all([...scoped, ...where, ...past])}
      order by ${inOrder(order, place, id)} limit ${order.limit}`
  return withinReach(scope, alias, walk)
}

/** Once for the scope, or, where an organization is seen in part, once for each project within reach. */
export function withinReach(scope: KeyScope, alias: string, part: (scoped: readonly Sql[]) => Sql): Sql {
  if (scope.projectId !== null || !scope.projects) return part(inScope(scope, alias))
  return sql`select part.* from unnest(${[...scope.projects]}::text[]) as reach (id)
    cross join lateral (${part([sql`${sql.ref(`${alias}.project_id`)} = reach.id`])}) as part`
}

/** Keys of management are in no list of an organization; each scope has its own indexes. */
function inScope(scope: KeyScope, alias = 'k'): Sql[] {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  if (scope.projectId !== null) return [sql`${column('project_id')} = ${scope.projectId}`]
  return [
    sql`${column('organization_id')} = ${scope.organizationId}`,
    sql`not ${column('management')}`,
    ...(scope.projects ? [sql`${column('project_id')} = any(${[...scope.projects]}::text[])`] : []),
  ]
}

function placeOf(order: KeyOrder, now: Instant): Sql {
  const places = {
    next_expiry_at: nextExpiry(now),
    created_at: sql`k.created_at`,
    last_used_at: sql`a.last_used_at`,
    name: sql`k.name_key`,
  } satisfies Record<KeySort, Sql>
  return places[order.sort]
}

/** What `list.next_expiry_at` shows. */
const nextExpiry = (now: Instant): Sql =>
  sql`case when k.first_end_at > ${at(now)} then k.first_end_at else k.last_end_at end`

export function inOrder({ descending }: Pick<KeyOrder, 'descending'>, ...columns: readonly Sql[]): Sql {
  return sql.join(columns.map((column) => (descending ? sql`${column} desc` : sql`${column} asc`)))
}

/** From the cursor on. */
function beyond(order: KeyOrder, after: Position, ended: [Sql, Sql] | [], place: Sql, id: Sql = sql`k.id`): Sql {
  const type = order.sort === 'name' ? sql`text collate "C"` : sql`timestamptz`
  const row = sql.join([...ended.slice(0, 1), place, id])
  const last = sql.join([...ended.slice(1), sql`${after.value}::${type}`, sql`${after.id}::text collate "C"`])
  return order.descending ? sql`(${row}) < (${last})` : sql`(${row}) > (${last})`
}

/** The stored states under which keys of these statuses are found, among those that have ended or those that have not. */
function statesOf(filter: KeyFilter, ended: boolean): string[] {
  const wanted = (status: KeyStatus) => filter.statuses.includes(status)
  return [
    ...(wanted(ended ? 'expired' : 'active') ? ['active'] : []),
    ...(wanted('disabled') ? ['disabled'] : []),
    ...(ended && wanted('revoked') ? ['revoked'] : []),
  ]
}

const storedStates = (filter: KeyFilter) => [...new Set([...statesOf(filter, false), ...statesOf(filter, true)])]

/** Both are `active` in the database: the clock tells them apart. */
function activeOrExpired(filter: KeyFilter, now: Instant): Sql[] {
  const [active, expired] = [filter.statuses.includes('active'), filter.statuses.includes('expired')]
  if (active === expired) return []
  const end = active ? sql`k.last_end_at > ${at(now)}` : sql`k.last_end_at <= ${at(now)}`
  return [sql`(k.state <> 'active' or ${end})`]
}

const ofKinds = ({ kinds }: KeyFilter): Sql[] => (kinds ? [sql`k.kind = any(${[...kinds]}::text[])`] : [])

const ofOwner = ({ owner }: KeyFilter): Sql[] => (owner === undefined ? [] : [sql`k.owner = ${owner}`])

/** By the key's own row while a walk goes on; by the indexes of calls where all that match are fetched. */
function byCalls(scope: KeyScope, filter: KeyFilter): Sql[] {
  const calls = (condition: Sql) =>
    sql`exists (select from key_activity u where ${all([
      sql`u.key_id = k.id`,
      ...inScope(scope, 'u'),
      sql`u.state = any(${storedStates(filter)}::text[])`,
      condition,
    ])})`
  const { unusedSince, refusedSince } = filter
  return [
    ...(unusedSince === undefined ? [] : [calls(sql`u.last_used_at < ${at(unusedSince)}`)]),
    // The index has no others.
    ...(refusedSince === undefined
      ? []
      : [calls(sql`u.last_refused_at >= ${at(refusedSince)} and u.last_refused_at > '-infinity'`)]),
  ]
}

function bounds(filter: KeyFilter, end: Sql): Sql[] {
  return [
    ...(filter.expiresAfter === undefined ? [] : [sql`${end} > ${at(filter.expiresAfter)}`]),
    ...(filter.expiresBefore === undefined ? [] : [sql`${end} < ${at(filter.expiresBefore)}`]),
  ]
}
