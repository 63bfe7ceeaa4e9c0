import { expirationKinds, expirationTypes } from '@keyturn/contract'
import { formatTime, type Instant, never } from '../kernel/instant.ts'
import type { Ground } from '../people/call.ts'
import { calendarHead, calendarTail, toCalendarEvent } from './calendar.ts'
import { cancelledEventOf, eventOf, replacedRotations, type Withdrawn } from './calendar-words.ts'
import { type Expiration, idOfEnd, idOfRotation } from './expiration.ts'
import {
  type EndedEarly,
  type ExpirationScope,
  findPolicyRevisions,
  findRevisions,
  listEndedEarly,
} from './expiration-store.ts'
import {
  type ExpirationFilters,
  type ExpirationReach,
  type ExpirationsPage,
  readAllExpirations,
  scopeOf,
} from './list-expirations.ts'

const dayMs = 86_400_000
// Whoever looks at last month sees what ended. Longer, a calendar would grow for ever.
const endedForMs = 30 * dayMs
// Calendars that were not synchronised for a quarter of a year have missed more than this.
const withdrawnForMs = 90 * dayMs
const step = 500

export type CalendarFilters = Pick<ExpirationFilters, 'type' | 'kind' | 'owner' | 'project' | 'in_use'>

/**
 * Everything that has a date, as a calendar, piece by piece: what is to come or overdue, what ended in the last 30 days, and, as
 * cancelled, what was revoked, replaced or deleted in the last 90.
 *
 * @param name of the calendar
 * @throws DomainError project_not_found
 */
export async function readCalendar(
  ground: Ground,
  reach: ExpirationReach,
  filters: CalendarFilters,
  name: string,
): Promise<AsyncGenerator<string>> {
  const now = await ground.now(ground.reader)
  const coming = await readAllExpirations(ground, reach, { ...filters, status: ['overdue', 'upcoming'] })
  const from = formatTime(now - endedForMs)
  const ended = await readAllExpirations(ground, reach, { ...filters, status: ['ended'], from })
  const scope = await scopeOf(ground, reach, filters.project)
  return pieces(ground, scope, filters, name, [coming, ended], now)
}

async function* pieces(
  ground: Ground,
  scope: ExpirationScope,
  filters: CalendarFilters,
  name: string,
  lists: readonly AsyncGenerator<ExpirationsPage>[],
  now: Instant,
): AsyncGenerator<string> {
  const policies = await findPolicyRevisions(ground.reader, scope.organizationId)
  yield calendarHead(name)
  for (const list of lists)
    for await (const page of list) yield await formatPage(ground, scope, filters, policies, page)
  const kinds = filters.kind ?? expirationKinds
  for (let after: EndedEarly | null = null; ; ) {
    const page = { since: now - withdrawnForMs, after, limit: step }
    const early: EndedEarly[] = await listEndedEarly(
      ground.reader,
      scope,
      { kinds, owner: filters.owner ?? null },
      page,
    )
    const withdrawn = early.flatMap((one) => withdrawnOf(one, scope, policies))
    yield withdrawn.filter(isWanted(filters)).map(cancelledEventOf).map(toCalendarEvent).join('')
    after = early.at(-1) ?? null
    if (early.length < step) break
  }
  yield calendarTail()
}

async function formatPage(
  { reader }: Ground,
  scope: ExpirationScope,
  filters: CalendarFilters,
  policies: ReadonlyMap<string, number>,
  { data, now }: ExpirationsPage,
): Promise<string> {
  const keys = new Map(data.flatMap(({ of: { view } }) => (view === null ? [] : [[view.key.id, view] as const])))
  const revisions = await findRevisions(reader, scope.organizationId, [...keys.keys()])
  const revisionOf = ({ of }: Pick<Expiration, 'of'>) =>
    of.view === null
      ? of.credential.revision
      : (revisions.get(of.view.key.id) ?? 0) + (policies.get(of.view.key.projectId) ?? 0)
  const events = data.map((one) => eventOf(one, revisionOf(one), now)).filter((event) => event !== null)
  // With the old secret's end, so that each comes once.
  const replaced = data.flatMap(({ of, type }) =>
    type === 'overlap_end' && of.view !== null
      ? replacedRotations(of.view, of.view.policy.rotate_every, revisionOf({ of }))
      : [],
  )
  const cancelled = replaced.filter(isWanted(filters)).map(cancelledEventOf)
  return [...events, ...cancelled].map(toCalendarEvent).join('')
}

function withdrawnOf(
  { id, projectId, name, createdAt, wouldEndAt, endedAt, revision: own }: EndedEarly,
  { rotating }: ExpirationScope,
  policies: ReadonlyMap<string, number>,
): Withdrawn[] {
  const rule = rotating.find((one) => one.projectId === projectId)
  const shared = { name, withdrawnAt: endedAt, revision: own + (policies.get(projectId ?? '') ?? 0) }
  const isSecret = id.startsWith('sec_')
  return [
    ...(wouldEndAt === never ? [] : [{ ...shared, id: idOfEnd(id), at: wouldEndAt }]),
    ...(rule && isSecret ? [{ ...shared, id: idOfRotation(id), at: createdAt + 1000 * rule.everySeconds }] : []),
  ]
}

const isWanted =
  ({ type = expirationTypes }: CalendarFilters) =>
  ({ id }: Withdrawn): boolean =>
    id.endsWith('.rotation') ? type.includes('rotation_due') : type.some((wanted) => wanted !== 'rotation_due')
