import type { FindingCode } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Sql } from './expiration-sql.ts'

/** Whose keys, and by which rules of their projects. */
export interface FindingScope {
  readonly organizationId: string
  readonly projects: readonly {
    readonly id: string
    /** Null: the policy does not ask. */
    readonly idleSeconds: number | null
    readonly reviewSeconds: number | null
  }[]
  readonly owner: string | null
}

/** Words of which a vague name consists, for a first look; whoever asks looks closely. */
export type VagueWords = readonly string[]

// A month is time enough to begin, whatever the policy calls idle.
const neverUsedAfter = sql`interval '30 days'`

/** Ids of keys of which it holds, or may hold, in their order. @param after the last one of the page before */
export async function findKeysWith(
  reader: Reader,
  code: FindingCode,
  scope: FindingScope,
  vagueWords: VagueWords,
  page: { readonly after: string | null; readonly limit: number; readonly now: Instant },
): Promise<string[]> {
  const now = at(page.now)
  const conditions = {
    ended_secret_called: sql`a.last_refused_at >= ${now} - interval '30 days' and a.last_refused_at > '-infinity'
      and k.state <> 'deleted'`,
    nobody_would_be_told: sql`k.owner is null and k.contact is null and not k.legacy
      and (select o.notification_email is null from organizations o where o.id = k.organization_id)`,
    owner_gone: sql`exists (select from former_members f where f.organization_id = k.organization_id and f.email = k.owner)`,
    many_networks: sql`a.last_used_at >= ${now} - interval '30 days' and exists (
      select from secrets s join secret_activity u on u.secret_id = s.id
      where s.key_id = k.id and jsonb_array_length(u.addresses) > 0)`,
    never_expires: sql`k.last_end_at = 'infinity' and not k.legacy`,
    unused: sql`a.last_used_at > '-infinity' and a.last_used_at < ${now} - r.idle`,
    never_used: sql`a.last_used_at = '-infinity' and not k.legacy and k.created_at < ${now} - least(r.idle, ${neverUsedAfter})`,
    review_due: sql`coalesce(k.reviewed_at, k.created_at) < ${now} - r.review`,
    duplicate_name: sql`exists (select from keys o where o.project_id = k.project_id and o.name_key = k.name_key
      and o.state in ('active', 'disabled') and o.last_end_at > ${now} and o.id <> k.id)`,
    vague_name: sql`k.name_key ~ ${vaguePattern(vagueWords)}`,
    legacy_key_called: sql`k.legacy and a.last_used_at >= ${now} - interval '30 days'`,
  } satisfies Record<FindingCode, Sql>
  const live =
    code === 'ended_secret_called' ? sql`true` : sql`k.state in ('active', 'disabled') and k.last_end_at > ${now}`
  const { rows } = await sql<{ id: string }>`
    select k.id from keys k
    join key_activity a on a.key_id = k.id
    join unnest(
      ${scope.projects.map(({ id }) => id)}::text[],
      ${scope.projects.map(({ idleSeconds }) => intervalOf(idleSeconds))}::interval[],
      ${scope.projects.map(({ reviewSeconds }) => intervalOf(reviewSeconds))}::interval[]
    ) as r (id, idle, review) on r.id = k.project_id
    where k.organization_id = ${scope.organizationId} and ${live} and ${conditions[code]}
      and ${scope.owner === null ? sql`true` : sql`k.owner = ${scope.owner}`}
      and ${page.after === null ? sql`true` : sql`k.id > ${page.after}::text collate "C"`}
    order by k.id limit ${page.limit}`.execute(reader)
  return rows.map(({ id }) => id)
}

const intervalOf = (count: number | null): string | null => (count === null ? null : `${count} seconds`)

/** Names of which every word of ASCII letters is one of these, or a letter, with or without a number: all vague ones, and some more. */
const vaguePattern = (words: VagueWords): string => `^[^a-z0-9]*((${words.join('|')}|[a-z]|)[0-9]*([^a-z0-9]+|$))*$`

/** Where the secrets of keys were called from last. */
export async function listAddresses(
  reader: Reader,
  organizationId: string,
  keyIds: readonly string[],
): Promise<{ keyId: string; addresses: { address: string; at: string }[] }[]> {
  return reader
    .selectFrom('secrets')
    .innerJoin('secret_activity', 'secret_activity.secret_id', 'secrets.id')
    .select(['secrets.key_id as keyId', 'secret_activity.addresses'])
    .where('secrets.organization_id', '=', organizationId)
    .where('secrets.key_id', '=', sql<string>`any(${[...keyIds]}::text[])`)
    .execute()
}
