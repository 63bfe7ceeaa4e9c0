import type pg from 'pg'

/**
 * Fills the tables of keys and secrets without the indexes that are no rule, and without triggers and checks of references; the indexes are made
 * again once all is there: a third of the time.
 */
export async function fillWithoutIndexes(client: pg.Client, fill: () => Promise<void>): Promise<void> {
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename ~ '^key|^secret' and indexdef not like 'CREATE UNIQUE%' and schemaname = 'public'`,
  )
  for (const { name } of indexes) await client.query(`drop index ${name}`)
  await client.query('set session_replication_role = replica')
  await fill()
  await client.query('set session_replication_role = origin')
  await client.query(`set maintenance_work_mem = '512MB'`)
  for (const { definition } of indexes) await client.query(definition)
}
