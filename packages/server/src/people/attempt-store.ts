import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export interface Counted {
  readonly count: number
  readonly since: Instant
}

/** Counts one more in the bucket's window, in one statement: of many at once none is missed. */
export async function countAttempt(reader: Reader, bucket: string, now: Instant, windowMs: number): Promise<Counted> {
  const begun = at(now - windowMs)
  const { rows } = await sql<Counted>`
    insert into sign_in_attempts as a (bucket, count, since) values (${bucket}, 1, ${at(now)})
    on conflict (bucket) do update set
      count = case when a.since <= ${begun} then 1 else a.count + 1 end,
      since = case when a.since <= ${begun} then excluded.since else a.since end
    returning count, since`.execute(reader)
  const [counted] = rows
  if (!counted) throw new Error('an attempt was counted, but no count came back')
  return counted
}

export async function takeBackAttempt(reader: Reader, bucket: string): Promise<void> {
  await reader
    .updateTable('sign_in_attempts')
    .set((column) => ({ count: sql<number>`greatest(${column.ref('count')} - 1, 0)` }))
    .where('bucket', '=', bucket)
    .execute()
}

export async function forgetAttempts(reader: Reader, bucket: string): Promise<void> {
  await reader.deleteFrom('sign_in_attempts').where('bucket', '=', bucket).execute()
}

export async function forgetOldAttempts(reader: Reader, before: Instant): Promise<void> {
  await reader.deleteFrom('sign_in_attempts').where('since', '<', at(before)).execute()
}
