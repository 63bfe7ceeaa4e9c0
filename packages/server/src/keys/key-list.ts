import { type KeySort, type KeyStatus, keySorts } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { type Instant, parseInstant, seconds } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import { countByStatus, type KeyFilter, type KeyScope, listPage, type Position } from './key-list-store.ts'
import { searchTerms } from './search-words.ts'
import { type KeyView, viewKeys } from './view-keys.ts'

export type { KeyScope } from './key-list-store.ts'

export interface KeyListQuery {
  readonly status: readonly KeyStatus[]
  readonly kind?: readonly string[] | undefined
  readonly owner?: string | undefined
  readonly q?: string | undefined
  readonly expires_before?: string | number | undefined
  readonly expires_after?: string | number | undefined
  readonly unused_since?: string | number | undefined
  readonly refused_since?: string | number | undefined
  readonly sort: KeySort | `-${KeySort}`
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface KeyPage {
  readonly views: KeyView[]
  readonly nextCursor: string | null
}

export type StatusCounts = Record<KeyStatus, number | '10,000+'>

const countedTo = 10_000

/**
 * One page of the keys of a project or an organization. A key whose next expiry moves between two pages moves to a later place,
 * never to an earlier one: it can be seen twice, but not missed.
 *
 * @throws DomainError insufficient_scope, invalid_cursor
 */
export async function listKeys(call: Call, scope: KeyScope, query: KeyListQuery): Promise<KeyPage> {
  requireScope(call.caller, 'keys:read')
  const now = await call.now(call.reader)
  const { sort, descending } = parseSort(query.sort)
  const filter = toFilter(scope, query, now)
  if (filter === null) return { views: [], nextCursor: null }
  const order = { sort, descending, limit: query.limit + 1, after: parseCursor(query.cursor, query.sort) }
  const rows = await listPage(call.reader, withinReach(call, scope), filter, order, now)
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    views: await viewKeys(
      call.reader,
      page.map((row) => row.key),
      now,
    ),
    nextCursor: rows.length > query.limit && last ? formatCursor(last.position, query.sort) : null,
  }
}

/** The page and the counts, side by side where the database has more than one connection. @throws as listKeys */
export async function listAndCountKeys(
  call: Call,
  scope: KeyScope,
  query: KeyListQuery,
): Promise<KeyPage & { readonly counts: StatusCounts }> {
  const [page, counts] = await Promise.all([listKeys(call, scope, query), countKeys(call, scope)])
  return { ...page, counts }
}

/** All keys by status, whatever the filters. Counting stops at 10,000, so that it costs the same for every size. */
export async function countKeys(call: Call, scope: KeyScope): Promise<StatusCounts> {
  requireScope(call.caller, 'keys:read')
  const now = await call.now(call.reader)
  const counts = await countByStatus(call.reader, withinReach(call, scope), now, countedTo + 1)
  const capped = (count: number) => (count > countedTo ? '10,000+' : count)
  return {
    active: capped(counts.active),
    disabled: capped(counts.disabled),
    expired: capped(counts.expired),
    revoked: capped(counts.revoked),
  }
}

function parseSort(text: KeyListQuery['sort']): { sort: KeySort; descending: boolean } {
  const sort = keySorts.find((candidate) => text.endsWith(candidate)) ?? 'next_expiry_at'
  return { sort, descending: text.startsWith('-') }
}

/** A caller that reaches only some projects sees of an organization only those. */
function withinReach(call: Call, scope: KeyScope): KeyScope {
  const reach = call.caller.projects
  return reach === null || scope.projectId !== null ? scope : { ...scope, projects: [...reach] }
}

/** @returns null where nothing can match */
function toFilter(scope: KeyScope, query: KeyListQuery, now: Instant): KeyFilter | null {
  const search = searchTerms(scope.organizationId, query.q ?? '')
  if (search.length === 0 && query.q?.trim()) return null
  return {
    statuses: query.status,
    ...(query.kind && { kinds: query.kind }),
    ...(query.owner !== undefined && { owner: query.owner }),
    ...(search.length > 0 && { search }),
    ...(query.expires_before !== undefined && { expiresBefore: pointInTime(query.expires_before, now, 1) }),
    ...(query.expires_after !== undefined && { expiresAfter: pointInTime(query.expires_after, now, 1) }),
    ...(query.unused_since !== undefined && { unusedSince: pointInTime(query.unused_since, now, -1) }),
    ...(query.refused_since !== undefined && { refusedSince: pointInTime(query.refused_since, now, -1) }),
  }
}

/** A time, or seconds from now. @param direction 1: ahead; -1: ago */
function pointInTime(value: string | number, now: Instant, direction: 1 | -1): Instant {
  return typeof value === 'string' ? parseInstant(value) : now + direction * seconds(value)
}

/** Opaque to callers: the sort it belongs to and the place of the last row. */
function formatCursor(position: Position, sort: string): string {
  return Buffer.from(JSON.stringify([sort, position.ended, position.value, position.id])).toString('base64url')
}

function parseCursor(cursor: string | undefined, sort: string): Position | null {
  if (cursor === undefined) return null
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === 4) {
      const [cursorSort, ended, value, id] = parsed as unknown[]
      if (cursorSort === sort && typeof ended === 'boolean' && isPlace(value, sort) && isText(id)) {
        return { ended, value, id }
      }
    }
  } catch {
    // Not one of ours; said below.
  }
  throw new DomainError('invalid_cursor')
}

/** What a position may hold: a name, or a time as PostgreSQL writes it for us. */
function isPlace(value: unknown, sort: string): value is string {
  if (!isText(value)) return false
  if (sort.endsWith('name') || /^-?infinity$/.test(value)) return true
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && parseInstant(value) >= 0
}

const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0')
