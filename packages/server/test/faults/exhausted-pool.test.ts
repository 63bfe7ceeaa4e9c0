import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { revokeAndWait, startNodes, until } from '../support/nodes.ts'

test('with every connection of its pool taken, a node goes on with warm and cold verdicts, and learns of revocations', async () => {
  const { running, busy, other } = await start()
  const [held, revoked, warm, cold] = await keys(running, 4)
  for (const { secret } of [revoked, warm]) expect(await busy.verdict(secret.value)).toBe('VALID')

  const holder = await hold(running.databaseUrl, 'select from keys where id = $1 for update', [held.key.id])
  const waiting = Array.from({ length: 15 }, () => busy.request('POST', `/v1/keys/${held.key.id}/disable`, {}))
  await until(async () => (await waitingForLocks(running)) >= 10, 5_000, 'the last connection of the pool')

  const { propagation, tookMs } = await revokeAndWait(other, revoked.key.id)
  expect(propagation).toMatchObject({ complete: true })
  expect(tookMs).toBeLessThan(1_000)
  expect(await busy.verdict(revoked.secret.value)).toBe('REVOKED')
  expect(await busy.verdict(warm.secret.value)).toBe('VALID')
  expect(await busy.verdict(cold.secret.value)).toBe('VALID')

  const begunAt = performance.now()
  expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([503]))
  expect(performance.now() - begunAt).toBeLessThan(20_000)
  await holder.end()
  expect((await busy.request('POST', `/v1/keys/${held.key.id}/disable`, {})).status).toBe(200)
})

test('while the database gives no answer, warm verdicts go on, cold ones end with 503 in time and leave nothing behind', async () => {
  const { running, busy } = await start()
  const [warm, cold, second] = await keys(running, 3)
  expect(await busy.verdict(warm.secret.value)).toBe('VALID')
  const holder = await hold(running.databaseUrl, 'lock table secrets in access exclusive mode')

  for (let round = 0; round < 2; round++) {
    const begunAt = performance.now()
    const codes = Promise.all([cold, second, cold].map(({ secret }) => busy.verdict(secret.value)))
    expect(await busy.verdict(warm.secret.value)).toBe('VALID')
    expect(performance.now() - begunAt).toBeLessThan(1_000)
    expect(await codes).toEqual(['503', '503', '503'])
    expect(performance.now() - begunAt).toBeLessThan(7_000)
  }
  // Given up by us is given up by the server too: statements that wait for one lock do not pile up there.
  await until(async () => (await waitingForLocks(running)) <= 2, 3_000, 'the end of what was given up')
  await holder.end()
  for (const { secret } of [cold, second]) expect(await busy.verdict(secret.value)).toBe('VALID')
})

async function start() {
  const running = await startNodes({ count: 2, maxStaleness: 30 })
  onTestFinished(() => running.stop())
  const [other, busy] = running.nodes
  if (!busy || !other) throw new Error('two nodes are needed')
  return { running, busy, other }
}

type Running = Awaited<ReturnType<typeof startNodes>>
type Made = Awaited<ReturnType<Running['createKey']>>

async function keys(running: Running, count: 3): Promise<[Made, Made, Made]>
async function keys(running: Running, count: 4): Promise<[Made, Made, Made, Made]>
async function keys(running: Running, count: number): Promise<Made[]> {
  const made: Made[] = []
  while (made.length < count) made.push(await running.createKey())
  return made
}

async function waitingForLocks({ query }: Running): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and application_name = 'keyturn' and wait_event_type = 'Lock'`,
  )
  return row?.count ?? 0
}

/** Somebody else's transaction, which does not end. */
async function hold(url: string, statement: string, values: unknown[] = []): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'holder' })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('begin')
  await client.query(statement, values)
  return client
}
