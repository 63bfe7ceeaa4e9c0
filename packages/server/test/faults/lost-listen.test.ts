import { expect, onTestFinished, test } from 'vitest'
import { type NodeProcess, revokeAndWait, startNodes, until } from '../support/nodes.ts'

const isFeed = (applicationName: string) => applicationName === 'keyturn-feed'

test('a change that nobody was notified of is found by looking, within a second', async () => {
  const { running, first, far } = await start()
  for (let round = 0; round < 3; round++) {
    const { key, secret } = await running.createKey()
    expect(await far.verdict(secret.value)).toBe('VALID')
    // The outbox is sealed at the commit; nobody says NOTIFY.
    await running.query(
      `with changed as (update keys set state = 'disabled' where id = $1)
       insert into outbox (changed_kind, changed_id) values ('key', $1)`,
      [key.id],
    )
    for (const node of [first, far]) await becomes(node, secret.value, 'DISABLED', 1_000)
  }
})

test('a node whose feed connection is terminated looks on another one, and meets each change within a second', async () => {
  const { running, first, far } = await start()
  const { key, secret } = await running.createKey()
  expect(await far.verdict(secret.value)).toBe('VALID')
  const [gone] = await running.query<{ count: number }>(
    `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
     where application_name = 'keyturn-feed' and datname = current_database()`,
  )
  expect(gone?.count).toBe(2)
  expect((await first.request('POST', `/v1/keys/${key.id}/revoke`, {})).status).toBe(200)
  await becomes(far, secret.value, 'REVOKED', 1_000)
  const { key: next, secret: nextSecret } = await running.createKey()
  expect(await far.verdict(nextSecret.value)).toBe('VALID')
  const waited = await revokeAndWait(first, next.id)
  expect(waited.propagation.complete).toBe(true)
  expect(waited.tookMs).toBeLessThan(1_000)
})

test('a feed connection that is dead without notice is replaced within seconds, long before the lease is over', async () => {
  const { running, first, far } = await start()
  const { key, secret } = await running.createKey()
  expect(await far.verdict(secret.value)).toBe('VALID')
  far.proxy.forgetConnections(isFeed)
  const waited = await revokeAndWait(first, key.id)
  expect(waited.propagation.complete).toBe(true)
  expect(waited.tookMs).toBeLessThan(4_500)
  expect(await far.verdict(secret.value)).toBe('REVOKED')
})

async function start() {
  const running = await startNodes({ count: 2, maxStaleness: 60 })
  onTestFinished(() => running.stop())
  const [first, far] = running.nodes
  if (!first || !far) throw new Error('two nodes are needed')
  return { running, first, far }
}

async function becomes(node: NodeProcess, value: string, code: string, withinMs: number): Promise<void> {
  await until(async () => (await node.verdict(value)) === code, withinMs, code)
}
