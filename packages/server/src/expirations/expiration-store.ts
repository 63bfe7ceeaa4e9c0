import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import { type ExpirationFilter, type ExpirationScope, type WalkOptions, walkExpirations } from './expiration-sql.ts'
import type { TrackedCredential } from './tracked-credential.ts'
import { credentialColumns, toCredential } from './tracked-rows.ts'

export type { ExpirationFilter, ExpirationScope, WalkOptions } from './expiration-sql.ts'

/** A key or credential to which something comes at a time. */
export interface Coming {
  readonly subject: string
  readonly place: Instant
  readonly leg: 'end' | 'rotation' | 'tracked'
}

/** In the order of the list; the same key may come several times. */
export async function walk(
  reader: Reader,
  scope: ExpirationScope,
  filter: ExpirationFilter,
  options: WalkOptions,
): Promise<Coming[]> {
  const { rows } = await sql<Coming>`${walkExpirations(scope, filter, options)}`.execute(reader)
  return rows
}

/** How many come on a day. */
export interface ComingOnDay {
  /** The day in UTC, by its beginning; infinity: never. */
  readonly day: Instant
  readonly leg: Coming['leg']
  readonly count: number
}

/** All that is to come or overdue or never comes, by day: reads an index from end to end, and no key. */
export async function countByDay(
  reader: Reader,
  scope: ExpirationScope,
  filter: ExpirationFilter,
  now: Instant,
): Promise<ComingOnDay[]> {
  const all = walkExpirations(scope, filter, { ended: false, from: null, limit: null, now })
  const { rows } = await sql<ComingOnDay>`select date_trunc('day', place, 'UTC') as day, leg, count(*) as count
    from (${all}) as coming group by 1, 2 order by 1, 2`.execute(reader)
  return rows
}

/** Those that are there, by id. */
export async function findCredentials(
  reader: Reader,
  organizationId: string,
  ids: readonly string[],
): Promise<Map<string, TrackedCredential>> {
  if (ids.length === 0) return new Map()
  const rows = await reader
    .selectFrom('tracked_credentials')
    .select(credentialColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .where('deleted_at', 'is', null)
    .execute()
  return new Map(rows.map((row) => [row.id, toCredential(row)]))
}

/** By project: how often the rules in force there were changed. */
export async function findPolicyRevisions(reader: Reader, organizationId: string): Promise<Map<string, number>> {
  const rows = await reader
    .selectFrom('projects')
    .innerJoin('organizations', 'organizations.id', 'projects.organization_id')
    .select(['projects.id', sql<number>`projects.policy_revision + organizations.policy_revision`.as('revision')])
    .where('organizations.id', '=', organizationId)
    .execute()
  return new Map(rows.map(({ id, revision }) => [id, revision]))
}

/** By key: how often it was changed. */
export async function findRevisions(
  reader: Reader,
  organizationId: string,
  keyIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await reader
    .selectFrom('keys')
    .select(['id', 'revision'])
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...keyIds]}::text[])`)
    .execute()
  return new Map(rows.map(({ id, revision }) => [id, revision]))
}

/** Something that was to end at its own time, and was ended, or deleted, before that. */
export interface EndedEarly {
  /** Of the secret or credential. */
  readonly id: string
  readonly projectId: string | null
  /** Null: its key was deleted. */
  readonly name: string | null
  readonly createdAt: Instant
  /** When it would have ended. */
  readonly wouldEndAt: Instant
  readonly endedAt: Instant
  readonly revision: number
}

/** In the order of their ends. @param after the last one of the page before */
export async function listEndedEarly(
  reader: Reader,
  { organizationId, projects, managementProject }: ExpirationScope,
  { kinds, owner }: Pick<ExpirationFilter, 'kinds' | 'owner'>,
  page: { readonly since: Instant; readonly after: Pick<EndedEarly, 'endedAt' | 'id'> | null; readonly limit: number },
): Promise<EndedEarly[]> {
  const past = (ended: string, id: string) =>
    page.after === null
      ? sql`true`
      : sql`(${sql.ref(ended)}, ${sql.ref(id)}) > (${at(page.after.endedAt)}, ${page.after.id}::text collate "C")`
  const ofOwner = (column: string) => (owner === null ? sql`true` : sql`${sql.ref(column)} = ${owner}`)
  const within = [...(projects ?? []), ...(managementProject === null ? [] : [managementProject])]
  const reached = (column: string, others: boolean) =>
    projects === null && others ? sql`true` : sql`${sql.ref(column)} = any(${within}::text[])`
  const { rows } = await sql<EndedEarly>`select * from (
    (select s.id, k.project_id as "projectId", case when k.state <> 'deleted' then k.name end as name,
        s.created_at as "createdAt", least(s.expires_at, s.retires_at) as "wouldEndAt", s.ended_at as "endedAt", k.revision
      from secrets s join keys k on k.id = s.key_id
      where s.organization_id = ${organizationId} and s.ended_at > ${at(page.since)} and ${past('s.ended_at', 's.id')}
        and (${reached('k.project_id', true)}) and (not k.management or ${reached('k.project_id', false)})
        and k.kind = any(${kinds}::text[]) and ${ofOwner('k.owner')}
      order by s.ended_at, s.id limit ${page.limit})
    union all
    (select t.id, t.project_id, t.name, t.renewed_at, t.expires_at, t.deleted_at, t.revision
      from tracked_credentials t
      where t.organization_id = ${organizationId} and t.deleted_at > ${at(page.since)} and ${past('t.deleted_at', 't.id')}
        and ${reached('t.project_id', true)} and 'tracked' = any(${kinds}::text[]) and ${ofOwner('t.owner')}
      order by t.deleted_at, t.id limit ${page.limit})
  ) as ended order by "endedAt", id limit ${page.limit}`.execute(reader)
  return rows
}
