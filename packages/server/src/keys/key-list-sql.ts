import type { KeySort, KeyStatus } from '@keyturn/contract'
import { type RawBuilder, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import { at } from '../storage/driver-values.ts'
import { keyColumns } from './key-rows.ts'

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
  /** A tsquery of lexemes as search-words.ts makes them. */
  readonly search?: string
  readonly expiresBefore?: Instant
  readonly expiresAfter?: Instant
  readonly unusedSince?: Instant
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
export const columns = sql.join(keyColumns.map((column) => sql.ref(`k.${column}`)))

/** What `list.next_expiry_at` shows. */
export const nextExpiry = (now: Instant): Sql =>
  sql`case when k.first_end_at > ${at(now)} then k.first_end_at else k.last_end_at end`

/**
 * The order by next expiry is a merge of two walks: keys of which no secret has ended, by their first end, and keys of which
 * one has, by their last. Never is `infinity`, so never-expiring keys come last by themselves. Keys that have ended are walked
 * apart, those with one end and those with two.
 */
export function expiryWalk(scope: KeyScope, filter: KeyFilter, order: KeyOrder, ended: boolean, now: Instant): Sql {
  const [first, last, time] = [sql`k.first_end_at`, sql`k.last_end_at`, at(now)]
  const walks: { end: Sql; where: Sql }[] = ended
    ? [
        { end: first, where: sql`k.first_end_at = k.last_end_at and k.first_end_at <= ${time}` },
        { end: last, where: sql`k.first_end_at < k.last_end_at and k.last_end_at <= ${time}` },
      ]
    : [
        { end: first, where: sql`k.first_end_at > ${time}` },
        {
          end: last,
          where: sql`k.first_end_at < k.last_end_at and k.first_end_at <= ${time} and k.last_end_at > ${time}`,
        },
      ]
  const parts = statesOf(filter, ended).flatMap((state) =>
    (filter.kinds ?? [null]).flatMap((kind) =>
      walks.map(({ end, where }) => {
        const conditions = [
          ...inScope(scope),
          sql`k.state = ${state}`,
          ...(kind === null ? [] : [sql`k.kind = ${kind}`]),
          ...(filter.owner === undefined ? [] : [sql`k.owner = ${filter.owner}`]),
          where,
          ...bounds(filter, end),
          ...past(order, end),
        ]
        return sql`select ${columns}, k.search, ${end} as place from keys k
          where ${all(conditions)} order by ${inOrder(order, end)} limit ${order.limit}`
      }),
    ),
  )
  return merged(parts, order)
}

/** Orders that are a column: one walk for each state, merged. */
export function sortedWalk(scope: KeyScope, filter: KeyFilter, order: KeyOrder, now: Instant): Sql {
  const byUse = order.sort === 'last_used_at'
  const walked = byUse ? 'a' : 'k'
  const place = byUse ? sql`a.last_used_at` : sql.ref(order.sort === 'name' ? 'k.name_key' : 'k.created_at')
  const id = byUse ? sql`a.key_id` : sql`k.id`
  const source = byUse ? sql`key_activity a join keys k on k.id = a.key_id` : sql`keys k`
  const parts = [...new Set([...statesOf(filter, false), ...statesOf(filter, true)])].map((state) => {
    const conditions = [
      ...inScope(scope, walked),
      sql`${sql.ref(`${walked}.state`)} = ${state}`,
      ...(state === 'active' ? activeOrExpired(filter, now) : []),
      ...facets(filter),
      ...bounds(filter, nextExpiry(now)),
      ...looseConditions(filter),
      ...past(order, place, id),
    ]
    return sql`select ${columns}, k.search, ${place} as place from ${source}
      where ${all(conditions)} order by ${inOrder(order, place, id)} limit ${order.limit}`
  })
  return merged(parts, order)
}

/** All that match, in no order: for filters so narrow that fetching and sorting them is quick. */
export function matchingKeys(scope: KeyScope, filter: KeyFilter, ended: boolean, now: Instant): Sql {
  const conditions = [
    ...inScope(scope),
    sql`k.state = any(${statesOf(filter, ended)}::text[])`,
    ended ? sql`k.last_end_at <= ${at(now)}` : sql`k.last_end_at > ${at(now)}`,
    ...facets(filter),
    ...looseConditions(filter),
  ]
  return sql`select ${columns}, k.search, ${nextExpiry(now)} as place from keys k where ${all(conditions)}`
}

function merged(parts: readonly Sql[], order: KeyOrder): Sql {
  const walks =
    parts.length > 0 ? parts : [sql`select ${columns}, k.search, k.last_end_at as place from keys k where false`]
  const union = sql.join(
    walks.map((part) => sql`(${part})`),
    sql` union all `,
  )
  return sql`select * from (${union}) as k order by ${inOrder(order)} limit ${order.limit}`
}

export function inOrder(order: Pick<KeyOrder, 'descending'>, place: Sql = sql`k.place`, id: Sql = sql`k.id`): Sql {
  return order.descending ? sql`${place} desc, ${id} desc` : sql`${place} asc, ${id} asc`
}

/** From the cursor on. */
export function past(order: KeyOrder, place: Sql, id: Sql = sql`k.id`): Sql[] {
  if (order.after === null) return []
  const { value, id: afterId } = order.after
  const type = order.sort === 'name' ? sql`text collate "C"` : sql`timestamptz`
  const comparison = order.descending ? sql`<` : sql`>`
  return [sql`(${place}, ${id}) ${comparison} (${value}::${type}, ${afterId}::text collate "C")`]
}

/** Keys of management are in no list of an organization; each scope has its own indexes. */
export function inScope(scope: KeyScope, alias = 'k'): Sql[] {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  if (scope.projectId !== null) return [sql`${column('project_id')} = ${scope.projectId}`]
  return [
    sql`${column('organization_id')} = ${scope.organizationId}`,
    sql`not ${column('management')}`,
    ...(scope.projects ? [sql`${column('project_id')} = any(${[...scope.projects]}::text[])`] : []),
  ]
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

function activeOrExpired(filter: KeyFilter, now: Instant): Sql[] {
  const [active, expired] = [filter.statuses.includes('active'), filter.statuses.includes('expired')]
  if (active && expired) return []
  return [active ? sql`k.last_end_at > ${at(now)}` : sql`k.last_end_at <= ${at(now)}`]
}

function facets(filter: KeyFilter): Sql[] {
  return [
    ...(filter.kinds ? [sql`k.kind = any(${[...filter.kinds]}::text[])`] : []),
    ...(filter.owner === undefined ? [] : [sql`k.owner = ${filter.owner}`]),
  ]
}

/** Filters for which no index has the order of the list. */
export function looseConditions(filter: KeyFilter): Sql[] {
  return [
    ...(filter.search === undefined ? [] : [sql`k.search @@ ${filter.search}::tsquery`]),
    ...(filter.unusedSince === undefined
      ? []
      : [
          sql`exists (select from key_activity u where u.key_id = k.id and u.last_used_at < ${at(filter.unusedSince)})`,
        ]),
  ]
}

export function bounds(filter: KeyFilter, end: Sql): Sql[] {
  return [
    ...(filter.expiresAfter === undefined ? [] : [sql`${end} > ${at(filter.expiresAfter)}`]),
    ...(filter.expiresBefore === undefined ? [] : [sql`${end} < ${at(filter.expiresBefore)}`]),
  ]
}
