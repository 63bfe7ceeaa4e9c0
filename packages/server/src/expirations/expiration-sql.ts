import type { ExpirationKind, ExpirationStatus, ExpirationType } from '@keyturn/contract'
import { type RawBuilder, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import { at } from '../storage/driver-values.ts'
import type { ExpirationPlace } from './expiration-place.ts'

/** Whose expirations. */
export interface ExpirationScope {
  readonly organizationId: string
  /** Ids; null: all projects, and what belongs to none. */
  readonly projects: readonly string[] | null
  /** The hidden project, where management keys are within reach. */
  readonly managementProject: string | null
  /** Projects whose policy wants secrets rotated, the hidden one among them where it is within reach. */
  readonly rotating: readonly { readonly projectId: string; readonly everySeconds: number }[]
}

export interface ExpirationFilter {
  readonly types: readonly ExpirationType[]
  readonly kinds: readonly ExpirationKind[]
  readonly statuses: readonly ExpirationStatus[]
  readonly owner: string | null
  /** Called since then, or not. */
  readonly inUse: { readonly is: boolean; readonly since: Instant } | null
  readonly from: Instant | null
  /** What comes at or after this time is left out, and so is what never comes. */
  readonly to: Instant | null
}

export interface WalkOptions {
  /** Which half of the list: what is to come or never comes, or what has ended as a whole. */
  readonly ended: boolean
  /** From that key or credential on, itself included: it may have more than one place. */
  readonly from: Pick<ExpirationPlace, 'at' | 'subject'> | null
  /** Null: all of them, in no order. */
  readonly limit: number | null
  readonly now: Instant
}

export type Sql = RawBuilder<unknown>

const all = (conditions: readonly Sql[]): Sql => sql.join([sql`true`, ...conditions], sql` and `)
const union = (parts: readonly Sql[]): Sql =>
  sql.join(
    parts.map((part) => sql`(${part})`),
    sql` union all `,
  )

/** Something that an index has in the order of times. Each part gives `subject`, `place` and `leg`, no more than `limit` rows. */
interface Leg {
  readonly place: Sql
  readonly id: Sql
  readonly from: Sql
  readonly where: readonly Sql[]
  readonly name: 'end' | 'rotation' | 'tracked'
}

/**
 * Keys and credentials with the times at which something comes to them, in order: a merge of walks along indexes, each no longer than
 * asked for. What is shown of them is for whoever knows the rules; two events of one key at the same time are one row or two here.
 */
export function walkExpirations(scope: ExpirationScope, filter: ExpirationFilter, options: WalkOptions): Sql {
  const parts = [
    ...keyScopes(scope).flatMap((within) =>
      endLegs(scope, filter, options).map((leg) => within((on) => walk(leg, on, options))),
    ),
    ...rotationParts(scope, filter, options),
    ...trackedLegs(scope, filter, options).map((leg) => walk(leg, [], options)),
  ]
  if (parts.length === 0) return sql`select null as subject, null::timestamptz as place, null as leg where false`
  return sql`select * from (${union(parts)}) as merged ${inOrder(options, sql`place`, sql`subject`)}`
}

function walk({ from, id, place, where, name }: Leg, scoped: readonly Sql[], { from: start, limit }: WalkOptions): Sql {
  const past = start === null ? [] : [sql`(${place}, ${id}) >= (${at(start.at)}, ${start.subject}::text collate "C")`]
  return sql`select ${id} as subject, ${place} as place, ${name}::text as leg from ${from}
    where ${all([...scoped, ...where, ...past])} ${inOrder({ limit }, place, id)}`
}

const inOrder = ({ limit }: Pick<WalkOptions, 'limit'>, place: Sql, id: Sql): Sql =>
  limit === null ? sql`` : sql`order by ${place}, ${id} limit ${limit}`

type Within = (part: (scoped: readonly Sql[]) => Sql) => Sql

/** Keys of an organization but for management keys have indexes of their own, and so have those of a project. */
function keyScopes({ organizationId, projects, managementProject }: ExpirationScope): Within[] {
  const ofHidden: Within[] =
    managementProject === null ? [] : [(part) => part([sql`k.project_id = ${managementProject}`])]
  if (projects === null)
    return [(part) => part([sql`k.organization_id = ${organizationId}`, sql`not k.management`]), ...ofHidden]
  return [
    (part) => sql`select part.* from unnest(${[...projects]}::text[]) as reach (id)
      cross join lateral (${part([sql`k.project_id = reach.id`])}) as part`,
    ...ofHidden,
  ]
}

/** First and last ends as lists of keys walk along them (docs/decisions/0003). */
function endLegs(scope: ExpirationScope, filter: ExpirationFilter, { ended, now }: WalkOptions): Leg[] {
  const { types, statuses } = filter
  const wanted = { expiry: types.includes('expiry'), overlap: types.includes('overlap_end') }
  if (!wanted.expiry && !wanted.overlap) return []
  if (ended ? !statuses.includes('ended') : !statuses.includes('upcoming') && !statuses.includes('never')) return []
  const kinds = keyKindsOf(filter)
  if (kinds?.length === 0) return []
  if (!ended && !wanted.expiry) return [retirementLeg(scope, filter, kinds, now)]
  const [first, last, time] = [sql`k.first_end_at`, sql`k.last_end_at`, at(now)]
  const walks = ended
    ? [
        { place: first, where: sql`k.first_end_at = k.last_end_at and k.first_end_at <= ${time}` },
        { place: last, where: sql`k.first_end_at < k.last_end_at and k.last_end_at <= ${time}` },
      ]
    : [
        { place: first, where: sql`k.first_end_at > ${time}` },
        { place: last, where: sql`k.first_end_at < k.last_end_at and k.last_end_at > ${time}` },
      ]
  return legsAlong(filter, kinds, walks).map(({ place, where }) => ({
    place,
    id: sql`k.id`,
    from: sql`keys k`,
    where: [
      ...where,
      ...(ended ? [] : eitherNeverOrComing(filter, place)),
      ...(wanted.overlap ? [] : [sql`not exists (${secretAt(place, sql`s.retires_at < s.expires_at`)})`]),
      ...(wanted.expiry ? [] : [sql`exists (${secretAt(place, sql`s.retires_at < s.expires_at`)})`]),
      ...inUse(filter, (used) => secretAt(place, used)),
    ],
    name: 'end',
  }))
}

/** One for each state, and for each kind or the owner: what indexes have the order for. */
function legsAlong(filter: ExpirationFilter, kinds: readonly string[] | null, walks: { place: Sql; where: Sql }[]) {
  const byOwner = filter.owner === null ? null : sql`k.owner = ${filter.owner}`
  const facets = byOwner === null && kinds ? kinds.map((kind) => sql`k.kind = ${kind}`) : [byOwner ?? sql`true`]
  const rest = byOwner !== null && kinds ? [sql`k.kind = any(${[...kinds]}::text[])`] : []
  return ['active', 'disabled'].flatMap((state) =>
    facets.flatMap((facet) =>
      walks.map(({ place, where }) => ({
        place,
        where: [sql`k.state = ${state}`, facet, where, ...rest, ...bounds(filter, place)],
      })),
    ),
  )
}

/** Few secrets are in an overlap, and have an index of their own. */
function retirementLeg(
  { organizationId }: ExpirationScope,
  filter: ExpirationFilter,
  kinds: readonly string[] | null,
  now: Instant,
): Leg {
  const place = sql`s.retires_at`
  return {
    place,
    id: sql`s.key_id`,
    from: sql`secrets s join keys k on k.id = s.key_id and k.organization_id = s.organization_id`,
    where: [
      sql`s.organization_id = ${organizationId} and s.ended_at is null`,
      sql`s.retires_at is not null and s.retires_at < s.expires_at`,
      sql`s.retires_at > ${at(now)}`,
      sql`k.state in ('active', 'disabled')`,
      ...byKindAndOwner(filter, kinds),
      ...bounds(filter, place),
      ...inUse(
        filter,
        (used) => sql`select from (select) as one left join secret_activity u on u.secret_id = s.id where ${used}`,
      ),
    ],
    name: 'end',
  }
}

/** Each project has its own rule, and so its own order. */
function rotationParts(scope: ExpirationScope, filter: ExpirationFilter, options: WalkOptions): Sql[] {
  const { now, ended } = options
  const statuses = ['overdue', 'upcoming'].filter((status) => filter.statuses.some((wanted) => wanted === status))
  const kinds = keyKindsOf(filter)
  if (ended || !filter.types.includes('rotation_due') || statuses.length === 0 || kinds?.length === 0) return []
  if (scope.rotating.length === 0) return []
  const every = sql`reach.every`
  const walks = [
    {
      made: sql`k.primary_made_at`,
      where: sql`k.last_end_at > ${at(now)} and (k.successor_made_at is null or k.first_end_at > ${at(now)})`,
    },
    {
      made: sql`k.successor_made_at`,
      where: sql`k.successor_made_at is not null and k.first_end_at <= ${at(now)} and k.last_end_at > ${at(now)}`,
    },
  ]
  return ['active', 'disabled'].flatMap((state) =>
    walks.map(({ made, where }) => {
      const due = sql`${made} + ${every}`
      const from = (time: Instant) => sql`${made} >= ${at(time)} - ${every}`
      const before = (time: Instant) => sql`${made} < ${at(time)} - ${every}`
      const { from: start } = options
      const conditions = [
        sql`k.project_id = reach.id and k.state = ${state}`,
        where,
        ...(statuses.includes('overdue') ? [] : [sql`${made} > ${at(now)} - ${every}`]),
        ...(statuses.includes('upcoming') ? [] : [sql`${made} <= ${at(now)} - ${every}`]),
        ...(filter.from === null ? [] : [from(filter.from)]),
        ...(filter.to === null ? [] : [before(filter.to)]),
        ...(start === null
          ? []
          : [sql`(${made}, k.id) >= (${at(start.at)} - ${every}, ${start.subject}::text collate "C")`]),
        ...byKindAndOwner(filter, kinds),
        ...inUse(
          filter,
          (used) => sql`select from secrets s left join secret_activity u on u.secret_id = s.id
            where s.key_id = k.id and s.created_at = ${made} and s.ended_at is null and ${used}`,
        ),
      ]
      return sql`select part.* from unnest(${scope.rotating.map(({ projectId }) => projectId)}::text[],
          ${scope.rotating.map(({ everySeconds }) => `${everySeconds} seconds`)}::interval[]) as reach (id, every)
        cross join lateral (
          select k.id as subject, ${due} as place, 'rotation'::text as leg from keys k where ${all(conditions)}
          ${inOrder(options, made, sql`k.id`)}
        ) as part`
    }),
  )
}

function trackedLegs(scope: ExpirationScope, filter: ExpirationFilter, { ended, now }: WalkOptions): Leg[] {
  const { types, kinds, statuses, owner } = filter
  const wanted = ended ? statuses.includes('ended') : statuses.includes('upcoming') || statuses.includes('never')
  // Whether somebody else's credential is in use nobody can know.
  if (!wanted || !types.includes('expiry') || !kinds.includes('tracked') || filter.inUse !== null) return []
  const place = sql`t.expires_at`
  return [
    {
      place,
      id: sql`t.id`,
      from: sql`tracked_credentials t`,
      where: [
        sql`t.organization_id = ${scope.organizationId} and t.deleted_at is null`,
        ended ? sql`t.expires_at <= ${at(now)}` : sql`t.expires_at > ${at(now)}`,
        ...(ended ? [] : eitherNeverOrComing(filter, place)),
        ...(scope.projects === null ? [] : [sql`t.project_id = any(${[...scope.projects]}::text[])`]),
        ...(owner === null ? [] : [sql`t.owner = ${owner}`]),
        ...bounds(filter, place),
      ],
      name: 'tracked',
    },
  ]
}

function keyKindsOf({ kinds }: ExpirationFilter): string[] | null {
  const ofKeys = kinds.filter((kind) => kind !== 'tracked')
  return ofKeys.length === 3 ? null : ofKeys
}

const byKindAndOwner = ({ owner }: ExpirationFilter, kinds: readonly string[] | null): Sql[] => [
  ...(kinds ? [sql`k.kind = any(${[...kinds]}::text[])`] : []),
  ...(owner === null ? [] : [sql`k.owner = ${owner}`]),
]

const bounds = ({ from, to }: ExpirationFilter, place: Sql): Sql[] => [
  ...(from === null ? [] : [sql`${place} >= ${at(from)}`]),
  ...(to === null ? [] : [sql`${place} < ${at(to)}`]),
]

function eitherNeverOrComing({ statuses }: ExpirationFilter, place: Sql): Sql[] {
  const [coming, neverComing] = [statuses.includes('upcoming'), statuses.includes('never')]
  if (coming && neverComing) return []
  return [coming ? sql`${place} < 'infinity'` : sql`${place} = 'infinity'`]
}

/** The secret of `keys k` that ends at that time. */
const secretAt = (place: Sql, condition: Sql): Sql =>
  sql`select from secrets s left join secret_activity u on u.secret_id = s.id
    where s.key_id = k.id and least(s.expires_at, s.retires_at, s.ended_at) = ${place} and ${condition}`

function inUse({ inUse: wanted }: ExpirationFilter, used: (condition: Sql) => Sql): Sql[] {
  if (wanted === null) return []
  const since = at(wanted.since)
  const condition = wanted.is ? sql`u.last_used_at >= ${since}` : sql`(u.last_used_at >= ${since}) is not true`
  return [sql`exists (${used(condition)})`]
}
