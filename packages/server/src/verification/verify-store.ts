import { sql } from 'kysely'
import type { Reader } from '../storage/database.ts'
import { type FoundRow, type Snapshot, toSnapshot } from './snapshot.ts'

/**
 * Everything that verdicts on these values depend on, with the head of the change feed and the time, in one statement and so in one
 * snapshot. Digests are unique over all organizations; whether a caller reaches what is found is decided by who asks.
 *
 * @param digests SHA-256 of the presented values
 */
export async function findByDigests(reader: Reader, digests: readonly Uint8Array[]): Promise<Snapshot> {
  const wanted = sql`array[${sql.join(digests.map((digest) => sql`${digest}::bytea`))}]`
  const { rows } = await sql<FoundRow>`
    select head.sequence as head, clock_timestamp() as now, encode(installation.root_key_digest, 'hex') as root, found.*
    from change_feed_head as head
    left join installation on installation.root_key_digest = any(${wanted})
    left join (
      select encode(s.digest, 'hex') as digest, s.id as secret_id, s.slot, s.expires_at, s.retires_at, s.ended_at, s.ended_by,
        case when s.slot = 'secondary' then (
          select max(least(o.expires_at, o.retires_at, o.ended_at)) from secrets o where o.key_id = s.key_id and o.id <> s.id
            and o.created_at < least(s.expires_at, s.retires_at, s.ended_at)
        ) end as others_end,
        k.id as key_id, k.kind, k.environment, k.name, k.owner, k.scopes, k.allowed_ips, k.metadata, k.state, k.management,
        k.management_projects, k.organization_id, k.project_id, p.slug as project_slug,
        p.api_access and o.api_access as api_access
      from secrets s
      join keys k on k.id = s.key_id
      join projects p on p.id = k.project_id
      join organizations o on o.id = k.organization_id
      where s.digest = any(${wanted})
    ) as found on true`.execute(reader)
  return toSnapshot(rows)
}
