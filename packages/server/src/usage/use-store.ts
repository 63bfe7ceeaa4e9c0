import type { EndedCode, VerdictCode } from '@keyturn/contract'
import { sql } from 'kysely'
import { formatInstant, type Instant, never, parseInstant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { CallCount, Seen } from './calls.ts'

export interface LastUse {
  readonly keyId: string
  readonly secretId: string
  /** The last call that passed. */
  readonly at: Instant | null
  /** The last call after its end. */
  readonly refused: Refused | null
  /** Of those that passed, as far as they said so. */
  readonly address: string | null
  readonly userAgent: string | null
  /** Of both, newest first, at most five. */
  readonly addresses: readonly Seen[]
}

export interface Refused {
  readonly code: EndedCode
  readonly at: Instant
}

export interface CountedUse {
  readonly keyId: string
  readonly secretId: string
  readonly hour: Instant
  readonly code: VerdictCode
  readonly count: number
}

// Of no meaning but to be the same on every node.
const usesLock = 7_201_955_437

/** Many rows as one parameter: making an array of each column costs several times as much. Instants stay numbers. */
const rowsOf = (values: readonly object[]) => sql`${JSON.stringify(values)}::jsonb`
const instant = (column: string) => sql.raw(`to_timestamp(${column} / 1000.0)`)

/**
 * One node writes at a time: none waits for rows that another holds while it holds some itself, and there is nothing to lock row by
 * row. For the transaction.
 */
export async function lockUses(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${usesLock})`.execute(tx)
}

/**
 * For lists, which sort and filter by it: to the minute, because each write of it is one of its indexes too. Later uses win, so
 * that nodes may write in any order. Waits for nobody: whoever changes a key right now would otherwise be waited for here by those
 * who change another.
 *
 * @returns the keys that somebody else has locked, to be written the next time
 */
export async function writeKeyUse(tx: Tx, uses: readonly LastUse[]): Promise<ReadonlySet<string>> {
  if (uses.length === 0) return new Set()
  const { rows } = await sql<{ id: string }>`
    with used as (
      select "keyId" as id, ${instant('max(at)')} as used_at, ${instant('max("refusedAt")')} as refused_at
      from jsonb_to_recordset(${rowsOf(uses.map(toKeyUse))}) as used ("keyId" text, at numeric, "refusedAt" numeric)
      group by 1
    ), due as (
      select used.id, used.used_at, used.refused_at from key_activity a join used on used.id = a.key_id
      where a.last_used_at <= used.used_at - interval '1 minute' or a.last_refused_at <= used.refused_at - interval '1 minute'
    ), locked as (
      select key_id from key_activity where key_id in (select id from due) order by key_id for no key update skip locked
    ), written as (
      update key_activity as a set last_used_at = greatest(a.last_used_at, due.used_at),
        last_refused_at = greatest(a.last_refused_at, due.refused_at)
      from due join locked on locked.key_id = due.id where a.key_id = due.id
    )
    select id from due where id not in (select key_id from locked)`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

/** The last five addresses are those of all nodes together: what is there already is merged with what comes. */
export async function writeSecretUse(tx: Tx, uses: readonly LastUse[]): Promise<void> {
  if (uses.length === 0) return
  await sql`
    update secret_activity as a set
      last_used_at = greatest(a.last_used_at, used.used_at),
      last_address = case when a.last_used_at < used.used_at
        then coalesce(used.address, a.last_address) else a.last_address end,
      last_user_agent = case when a.last_used_at < used.used_at
        then coalesce(used.user_agent, a.last_user_agent) else a.last_user_agent end,
      last_refused_at = greatest(a.last_refused_at, used.refused_at),
      last_refused_code = case when a.last_refused_at < used.refused_at then used.refused_code else a.last_refused_code end,
      addresses = case when used.addresses = '[]' then a.addresses else (
        select jsonb_agg(seen order by seen ->> 'at' desc) from (
          select seen from (
            select distinct on (seen ->> 'address') seen from jsonb_array_elements(a.addresses || used.addresses) as seen
            order by seen ->> 'address', seen ->> 'at' desc
          ) as latest order by seen ->> 'at' desc limit 5
        ) as newest
      ) end
    from (
      select "secretId" as id, ${instant('at')} as used_at, address, "userAgent" as user_agent, addresses,
        ${instant('"refusedAt"')} as refused_at, "refusedCode" as refused_code
      from jsonb_to_recordset(${rowsOf(uses.map(toSecretUse))}) as used
        ("secretId" text, at numeric, address text, "userAgent" text, addresses jsonb, "refusedAt" numeric, "refusedCode" text)
    ) as used
    where a.secret_id = used.id`.execute(tx)
}

const toKeyUse = ({ keyId, at, refused }: LastUse) => ({ keyId, at, refusedAt: refused?.at ?? null })

const toSecretUse = ({ secretId, at, refused, address, userAgent, addresses }: LastUse) => ({
  secretId,
  at,
  address,
  userAgent,
  refusedAt: refused?.at ?? null,
  refusedCode: refused?.code ?? null,
  addresses: addresses.map((seen) => ({
    address: seen.address,
    at: formatInstant(seen.at),
    user_agent: seen.userAgent,
  })),
})

/** Adds to what is there. Not of secrets that are not there: the database may have been set back. */
export async function writeCounts(tx: Tx, counts: readonly CountedUse[]): Promise<void> {
  if (counts.length === 0) return
  await sql`
    insert into usage_hours (secret_id, hour, code, key_id, count)
    select "secretId", ${instant('hour')}, code, "keyId", count
    from jsonb_to_recordset(${rowsOf(counts)}) as counted
      ("secretId" text, hour numeric, code text, "keyId" text, count bigint)
    where exists (select from secrets where id = "secretId")
    order by 1, 2, 3
    on conflict (secret_id, hour, code) do update set count = usage_hours.count + excluded.count`.execute(tx)
}

export interface UsageRow {
  readonly at: Instant
  readonly secretId: string
  readonly code: VerdictCode
  readonly count: number
}

/** Counts of a key in [from, to), by hour or by UTC day; days are added up from hours as long as those are kept. */
export async function listUsage(
  reader: Reader,
  keyId: string,
  from: Instant,
  to: Instant,
  step: 'hour' | 'day',
): Promise<UsageRow[]> {
  const hours = sql`select secret_id, code, count, hour as at from usage_hours
    where key_id = ${keyId} and hour >= ${at(from)} and hour < ${at(to)}`
  const days = sql`select secret_id, code, count, day as at from usage_days
    where key_id = ${keyId} and day >= ${at(from)} and day < ${at(to)}`
  const bucket = step === 'hour' ? sql`at` : sql`date_trunc('day', at, 'UTC')`
  const { rows } = await sql<{ at: Instant; secret_id: string; code: VerdictCode; count: number }>`
    select ${bucket} as at, secret_id, code, sum(count)::bigint as count
    from (${hours} union all ${days}) as counted
    group by 1, 2, 3 order by 1, 2, 3`.execute(reader)
  return rows.map((row) => ({ at: row.at, secretId: row.secret_id, code: row.code, count: row.count }))
}

/**
 * How often these secrets were called, oldest first: by hour as long as hours are kept, before that by day. What was before the time that
 * is asked for stands at its beginning, as one: somebody called then or earlier.
 */
export async function listCallCounts(
  reader: Reader,
  secretIds: readonly string[],
  since: Instant,
): Promise<(CallCount & { readonly secretId: string })[]> {
  const wanted = sql`secret_id = any(${[...secretIds]}::text[])`
  const { rows } = await sql<{ secret_id: string; at: Instant; passed: number; refused: number }>`
    select secret_id, at, coalesce(sum(count) filter (where code = 'VALID'), 0)::bigint as passed,
      coalesce(sum(count) filter (where code <> 'VALID'), 0)::bigint as refused
    from (
      select secret_id, greatest(hour, ${at(since)}) as at, code, count from usage_hours where ${wanted}
      union all select secret_id, greatest(day, ${at(since)}), code, count from usage_days where ${wanted}
    ) as counted
    group by 1, 2 order by 1, 2`.execute(reader)
  return rows.map((row) => ({ secretId: row.secret_id, at: row.at, passed: row.passed, refused: row.refused }))
}

export interface LastUseRow {
  readonly secretId: string
  /** Null: it was never called while it was live. */
  readonly at: Instant | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly addresses: readonly Seen[]
}

/** Of each secret of a key that was ever called, even if only after its end. */
export async function listLastUses(reader: Reader, keyId: string): Promise<LastUseRow[]> {
  const rows = await reader
    .selectFrom('secret_activity as a')
    .innerJoin('secrets as s', 's.id', 'a.secret_id')
    .select(['a.secret_id', 'a.last_used_at', 'a.last_address', 'a.last_user_agent', 'a.addresses'])
    .where('s.key_id', '=', keyId)
    .where((where) => where.or([where('a.last_used_at', '>', at(-never)), where('a.last_refused_at', '>', at(-never))]))
    .orderBy('a.secret_id')
    .execute()
  return rows.map((row) => ({
    secretId: row.secret_id,
    at: row.last_used_at === -never ? null : row.last_used_at,
    address: row.last_address,
    userAgent: row.last_user_agent,
    addresses: row.addresses.map((seen) => ({
      address: seen.address,
      at: parseInstant(seen.at),
      userAgent: seen.user_agent ?? null,
    })),
  }))
}

/** Hours before this become days, days before that are forgotten. In one statement each, so that no count is seen twice. */
export async function rollUp(tx: Tx, hoursBefore: Instant, daysBefore: Instant): Promise<void> {
  await sql`
    with old as (delete from usage_hours where hour < ${at(hoursBefore)} returning *)
    insert into usage_days (secret_id, day, code, key_id, count)
    select secret_id, date_trunc('day', hour, 'UTC'), code, key_id, sum(count) from old group by 1, 2, 3, 4 order by 1, 2, 3
    on conflict (secret_id, day, code) do update set count = usage_days.count + excluded.count`.execute(tx)
  await sql`delete from usage_days where day < ${at(daysBefore)}`.execute(tx)
}

/** Where each secret was called from last, as far as its calls said so. */
export async function listLastCallers(
  reader: Reader,
  secretIds: readonly string[],
): Promise<{ secretId: string; address: string | null; userAgent: string | null }[]> {
  return reader
    .selectFrom('secret_activity')
    .select(['secret_id as secretId', 'last_address as address', 'last_user_agent as userAgent'])
    .where('secret_id', '=', sql<string>`any(${[...secretIds]}::text[])`)
    .execute()
}
