import {
  type ExpirationKind,
  type ExpirationStatus,
  type ExpirationType,
  expirationKinds,
  expirationStatuses,
  expirationTypes,
} from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import { type Instant, parseInstant, seconds } from '../kernel/instant.ts'
import { viewKeysById } from '../keys/view-keys.ts'
import { readProjects } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call, Ground } from '../people/call.ts'
import { reachesManagementKeys, requireScope } from '../people/permissions.ts'
import {
  type Expiration,
  expirationOfCredential,
  expirationStatusAt,
  expirationsOfKey,
  inUseSince,
  isInUse,
  kindOf,
  placeOf,
} from './expiration.ts'
import { formatPlace, parsePlace } from './expiration-cursor.ts'
import { comparePlaces, type ExpirationPlace } from './expiration-place.ts'
import { type Coming, type ExpirationFilter, type ExpirationScope, findCredentials, walk } from './expiration-store.ts'

export interface ExpirationFilters {
  readonly within?: number | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly type?: readonly ExpirationType[] | undefined
  readonly kind?: readonly ExpirationKind[] | undefined
  readonly status?: readonly ExpirationStatus[] | undefined
  readonly owner?: string | undefined
  readonly project?: string | undefined
  readonly in_use?: boolean | undefined
}

export interface ExpirationListQuery extends ExpirationFilters {
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface ExpirationsPage {
  readonly data: Expiration[]
  readonly nextCursor: string | null
  readonly now: Instant
}

/** Whose expirations somebody may see: of a caller, or of a feed token. */
export interface ExpirationReach {
  readonly organizationId: string
  /** Null: all. */
  readonly projects: ReadonlySet<string> | null
  readonly managementKeys: boolean
}

/** What a caller reaches of an organization. @throws DomainError insufficient_scope */
export function reachOf(call: Call, organization: Organization): ExpirationReach {
  requireScope(call.caller, 'keys:read')
  const { caller } = call
  return { organizationId: organization.id, projects: caller.projects, managementKeys: reachesManagementKeys(caller) }
}

/**
 * One page of everything that ends or is to be rotated, soonest first, what never ends last, what has ended after that. What moves
 * between two pages moves to a later place, never to an earlier one: it can be seen twice, but not missed.
 *
 * @throws DomainError invalid_cursor, project_not_found
 */
export async function listExpirations(
  ground: Ground,
  reach: ExpirationReach,
  query: ExpirationListQuery,
): Promise<ExpirationsPage> {
  const now = await ground.now(ground.reader)
  const filter = toFilter(query, now)
  const scope = await scopeOf(ground, reach, query.project)
  const after = parsePlace(query.cursor)
  const data: Expiration[] = []
  let more = false
  for (const ended of [false, true]) {
    if (after?.ended === true && !ended) continue
    if (more || data.length > query.limit) break
    const start = after?.ended === ended ? after : null
    const found = await readHalf(ground, scope, filter, { ended, after: start, limit: query.limit - data.length, now })
    data.push(...found.data)
    more = found.more
  }
  const page = data.slice(0, query.limit)
  const last = page.at(-1)
  const isWhole = !more && data.length <= query.limit
  return { data: page, nextCursor: isWhole || !last ? null : formatPlace(placeOf(last)), now }
}

const step = 200

/**
 * All of them, page by page: a file of any size costs no more memory than a page. What is wrong with the request shows before the
 * first one is given.
 *
 * @throws DomainError project_not_found
 */
export async function readAllExpirations(
  ground: Ground,
  reach: ExpirationReach,
  filters: ExpirationFilters,
): Promise<AsyncGenerator<ExpirationsPage>> {
  const first = await listExpirations(ground, reach, { ...filters, limit: step })
  return pagesFrom(first, (cursor) => listExpirations(ground, reach, { ...filters, limit: step, cursor }))
}

async function* pagesFrom(
  first: ExpirationsPage,
  next: (cursor: string) => Promise<ExpirationsPage>,
): AsyncGenerator<ExpirationsPage> {
  for (let page = first; ; page = await next(page.nextCursor)) {
    yield page
    if (page.nextCursor === null) return
  }
}

// One key can have three events at one time, of which the cursor may stand behind two.
const spare = 3

async function readHalf(
  ground: Ground,
  scope: ExpirationScope,
  filter: ExpirationFilter,
  { ended, after, limit, now }: { ended: boolean; after: ExpirationPlace | null; limit: number; now: Instant },
): Promise<{ data: Expiration[]; more: boolean }> {
  const data: Expiration[] = []
  // What was walked past may have changed before it was read: then there is less of it than was asked for, and the walk goes on.
  for (let from = after; data.length <= limit; ) {
    const coming = await walk(ground.reader, scope, filter, { ended, from, limit: limit + spare, now })
    const read = await readComing(ground, scope, coming, now)
    const found = read.filter(
      (one) =>
        one.ended === ended && matches(one, filter, now) && (from === null || comparePlaces(from, placeOf(one)) < 0),
    )
    data.push(...found)
    const last = coming.at(-1)
    if (coming.length < limit + spare || !last) return { data, more: false }
    const next = found.at(-1)
    from = next ? placeOf(next) : { ended, at: last.place, subject: last.subject, id: '\uffff' }
  }
  return { data, more: true }
}

/** In the order of the list. */
async function readComing(
  ground: Ground,
  { organizationId }: ExpirationScope,
  coming: readonly Coming[],
  now: Instant,
): Promise<Expiration[]> {
  const idsOf = (isTracked: boolean) => [
    ...new Set(coming.filter(({ leg }) => (leg === 'tracked') === isTracked).map(({ subject }) => subject)),
  ]
  const keys = await viewKeysById(ground.reader, organizationId, idsOf(false), now)
  const credentials = await findCredentials(ground.reader, organizationId, idsOf(true))
  const places = new Set(coming.map(({ subject, place }) => `${subject} ${place}`))
  const all = [
    ...[...keys.values()].flatMap(expirationsOfKey),
    ...[...credentials.values()].map((credential) => expirationOfCredential(credential, now)),
  ]
  return all
    .filter((one) => places.has(`${placeOf(one).subject} ${one.at}`))
    .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)))
}

/** The same that the walk asked for, of the very event: a key may have another one at the same time. */
function matches(expiration: Expiration, filter: ExpirationFilter, now: Instant): boolean {
  const { type, at } = expiration
  return (
    filter.types.includes(type) &&
    filter.kinds.includes(kindOf(expiration)) &&
    filter.statuses.includes(expirationStatusAt(expiration, now)) &&
    (filter.from === null || at >= filter.from) &&
    (filter.to === null || at < filter.to) &&
    (filter.inUse === null || isInUse(expiration, now) === filter.inUse.is)
  )
}

export function toFilter(query: ExpirationFilters, now: Instant): ExpirationFilter {
  const { within } = query
  // What is asked for as the near future has not ended.
  const statuses = within === undefined ? expirationStatuses : expirationStatuses.filter((status) => status !== 'ended')
  return {
    types: query.type ?? expirationTypes,
    kinds: query.kind ?? expirationKinds,
    statuses: query.status ?? statuses,
    owner: query.owner ?? null,
    inUse: query.in_use === undefined ? null : { is: query.in_use, since: inUseSince(now) },
    from: query.from === undefined ? null : parseInstant(query.from),
    to: within !== undefined ? now + seconds(within) : query.to === undefined ? null : parseInstant(query.to),
  }
}

/** @param project id or slug, to see that one alone @throws DomainError project_not_found */
export async function scopeOf(
  { reader }: Ground,
  { organizationId, projects: reached, managementKeys }: ExpirationReach,
  project?: string,
): Promise<ExpirationScope> {
  const all = await readProjects(reader, organizationId)
  const within = all.filter(({ project: { id, management } }) =>
    management ? managementKeys : reached === null || reached.has(id),
  )
  const wanted = (id: string, slug: string) => (isIdOf('project', project ?? '') ? id : slug) === project
  const chosen =
    project === undefined
      ? within
      : within.filter(({ project: { id, slug, management } }) => !management && wanted(id, slug))
  if (project !== undefined && chosen.length === 0) throw new DomainError('project_not_found')
  const seesAll = reached === null && project === undefined
  return {
    organizationId,
    projects: seesAll ? null : chosen.map(({ project: { id } }) => id),
    managementProject: seesAll ? (chosen.find(({ project: { management } }) => management)?.project.id ?? null) : null,
    rotating: chosen.flatMap(({ project: { id }, policy: { rotate_every: every } }) =>
      every === null ? [] : [{ projectId: id, everySeconds: every }],
    ),
  }
}
