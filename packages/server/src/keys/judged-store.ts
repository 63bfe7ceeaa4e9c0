import type { KeyKind } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { JudgedKey } from './policy-breaches.ts'

export interface JudgedRow extends JudgedKey {
  readonly owner: string | null
  readonly kind: KeyKind
  readonly lastUsedAt: Instant
}

/** Live keys of these projects, by id. @param after the last one of those before */
export async function listJudged(
  reader: Reader,
  organizationId: string,
  projectIds: readonly string[],
  page: { readonly after: string | null; readonly limit: number; readonly now: Instant },
): Promise<JudgedRow[]> {
  const { rows } = await sql<JudgedRow>`
    select k.id, k.project_id as "projectId", k.name, k.legacy, k.owner, k.kind, a.last_used_at as "lastUsedAt",
      coalesce(s.never_ends, false) as "neverEnds", s.life as "longestLifeSeconds", s.overlap as "overlapSeconds",
      coalesce(s.primary_made_at, k.primary_made_at) as "primaryMadeAt"
    from keys k
    join key_activity a on a.key_id = k.id
    left join lateral (
      select bool_or(s.expires_at = 'infinity') as never_ends,
        (max(extract(epoch from s.expires_at - s.created_at)) filter (where s.expires_at < 'infinity'))::float8 as life,
        max(extract(epoch from s.retires_at - s.overlap_started_at))::float8 as overlap,
        case when count(*) = 1 then min(s.created_at) end as primary_made_at
      from secrets s
      where s.key_id = k.id and least(s.expires_at, s.retires_at, s.ended_at) > ${at(page.now)}
    ) as s on true
    where k.organization_id = ${organizationId} and k.project_id = any(${[...projectIds]}::text[])
      and k.state in ('active', 'disabled') and k.last_end_at > ${at(page.now)}
      and ${page.after === null ? sql`true` : sql`k.id > ${page.after}::text collate "C"`}
    order by k.id limit ${page.limit}`.execute(reader)
  return rows
}
