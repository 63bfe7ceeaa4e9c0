import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export interface SoonCount {
  /** Seconds from now. */
  readonly within: number
  readonly source: 'key' | 'tracked_credential'
  /** Null: nobody can know. */
  readonly inUse: boolean | null
  readonly count: number
}

/**
 * How much ends soon in all organizations, along indexes that hold what ends and nothing else.
 *
 * @param windows seconds from now
 * @param most counting stops there, what is nearest first
 */
export async function countSoonEnding(
  reader: Reader,
  windows: readonly number[],
  inUseSince: Instant,
  now: Instant,
  most: number,
): Promise<SoonCount[]> {
  const until = at(now + 1000 * Math.max(...windows))
  const state = sql`state in ('active', 'disabled')`
  const { rows } = await sql<SoonCount>`
    with ends as (
      select first_end_at as place, id from keys
        where ${state} and first_end_at < 'infinity' and first_end_at > ${at(now)} and first_end_at <= ${until}
        order by first_end_at limit ${most}
    ), second_ends as (
      select last_end_at as place, id from keys
        where ${state} and first_end_at < last_end_at and last_end_at < 'infinity' and last_end_at > ${at(now)}
          and last_end_at <= ${until}
        order by last_end_at limit ${most}
    ), soon as (
      select k.place, 'key' as source, coalesce(a.last_used_at >= ${at(inUseSince)}, false) as in_use
        from (select * from ends union all select * from second_ends order by place limit ${most}) as k
        left join key_activity a on a.key_id = k.id
      union all
      (select t.expires_at, 'tracked_credential', null from tracked_credentials t
        where t.deleted_at is null and t.expires_at < 'infinity' and t.expires_at > ${at(now)} and t.expires_at <= ${until}
        order by t.expires_at limit ${most})
    )
    select w.seconds as within, source, in_use as "inUse", count(*) as count
    from soon join unnest(${[...windows]}::integer[]) as w (seconds)
      on soon.place <= ${at(now)} + make_interval(secs => w.seconds)
    group by 1, 2, 3`.execute(reader)
  return rows
}
