import type { Refill } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at, instantText } from '../storage/driver-values.ts'

/** Of which count: a key has one for each kind of refill. */
export interface QuotaPlace {
  readonly keyId: string
  readonly refill: Refill
  /** The beginning of the day or month. */
  readonly period: Instant
}

export interface WantedDraw {
  readonly limit: number
  /** Less than this is of no use. */
  readonly need: number
  /** So many, or what is left where that is less. */
  readonly block: number
  /** What was used without having been drawn; negative: what was drawn and is not to be used. */
  readonly adjust: number
}

export interface Drawn {
  /** A later one than was asked for where it has begun already. */
  readonly period: Instant
  /** 0: less than was needed is left, and nothing was written. */
  readonly granted: number
  /** By all nodes, with what was granted. */
  readonly drawn: number
}

/**
 * Takes a block out of a quota. The guard is in the statement, which is a transaction of its own and has the row locked: whatever number of
 * nodes draw at once, never more than the limit is drawn in one period. No verdict of another key depends on it, and so it is no change
 * of the feed.
 */
export async function drawBlock(
  reader: Reader,
  { keyId, refill, period }: QuotaPlace,
  { limit, need, block, adjust }: WantedDraw,
): Promise<Drawn> {
  const fresh = Math.max(0, adjust)
  const used = sql`case
    when q.period = excluded.period then greatest(0, q.drawn + ${adjust}::bigint)
    when q.period < excluded.period then ${fresh}::bigint
    else q.drawn end`
  const { rows } = await sql<Drawn>`
    with made as (
      insert into quota_draws as q (key_id, refill, period, drawn, granted)
      select ${keyId}, ${refill}, ${at(period)}, ${fresh}::bigint + first.granted, first.granted
      from (select greatest(0, least(${limit}::bigint - ${fresh}::bigint, ${block}::bigint)) as granted) as first
      where first.granted >= ${need}::bigint
        or exists (select from quota_draws k where k.key_id = ${keyId} and k.refill = ${refill})
      on conflict (key_id, refill) do update set
        period = greatest(q.period, excluded.period),
        granted = least(${limit}::bigint - (${used}), ${block}::bigint),
        drawn = (${used}) + least(${limit}::bigint - (${used}), ${block}::bigint)
      where (${used}) + ${need}::bigint <= ${limit}::bigint
      returning period, drawn, granted
    )
    select period, drawn, granted from made
    union all
    select period, drawn, 0 from quota_draws
    where key_id = ${keyId} and refill = ${refill} and not exists (select from made)`.execute(reader)
  const [row] = rows
  // There was no row, and even a whole quota would not do.
  return row ?? { period, granted: 0, drawn: 0 }
}

export interface Leftover extends QuotaPlace {
  /** As `adjust` of a draw. */
  readonly adjust: number
}

/** What nodes have drawn and will not use, several times of one key, too; of a period that has ended nothing is to be given back. Rows are locked by id. */
export async function settleQuotas(reader: Reader, leftovers: readonly Leftover[]): Promise<void> {
  const of = <K extends keyof Leftover>(field: K) => leftovers.map((leftover) => leftover[field])
  await sql`
    with given as (
      select key_id, refill, period, sum(adjust)::bigint as adjust
      from unnest(${of('keyId')}::text[], ${of('refill')}::text[], ${of('period').map(instantText)}::timestamptz[],
        ${of('adjust')}::bigint[]) as given (key_id, refill, period, adjust)
      group by key_id, refill, period
    ), locked as (
      select q.key_id, q.refill from quota_draws q join given g on g.key_id = q.key_id and g.refill = q.refill
      order by q.key_id, q.refill for update of q
    )
    update quota_draws q set drawn = greatest(0, q.drawn + g.adjust)
    from given g, locked l
    where q.key_id = g.key_id and q.refill = g.refill and q.period = g.period
      and l.key_id = q.key_id and l.refill = q.refill`.execute(reader)
}

/** What was drawn in this period. */
export async function readDrawn(reader: Reader, { keyId, refill, period }: QuotaPlace): Promise<number> {
  const row = await reader
    .selectFrom('quota_draws')
    .select('drawn')
    .where('key_id', '=', keyId)
    .where('refill', '=', refill)
    .where('period', '=', at(period))
    .executeTakeFirst()
  return row?.drawn ?? 0
}
