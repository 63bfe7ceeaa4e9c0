import { sql } from 'kysely'
import type { Reader, Tx } from './database.ts'

// Of no meaning but to be the same on every node.
const bulkLock = 7_201_955_438

/** Tells every node, until the transaction ends, that thousands of rows are being written. Any number may at once. */
export async function announceBulk(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${bulkLock})`.execute(tx)
}

/** Does anybody write thousands of rows at this moment? What can wait leaves the database to them. */
export async function isBulkUnderWay(reader: Reader): Promise<boolean> {
  const { rows } = await sql<{ busy: boolean }>`
    select case when pg_try_advisory_lock(${bulkLock}) then not pg_advisory_unlock(${bulkLock}) else true end as busy`.execute(
    reader,
  )
  return rows[0]?.busy ?? false
}
