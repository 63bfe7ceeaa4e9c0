import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { revokeAndWait, startNodes, until } from '../support/nodes.ts'

test('a node that is killed during a waited revocation holds it up for its lease at most, and another removes its row', async () => {
  const running = await startNodes({ count: 2 })
  onTestFinished(() => running.stop())
  const [first, killed] = running.nodes
  if (!first || !killed) throw new Error('two nodes are needed')
  const { key, secret } = await running.createKey()
  for (const node of running.nodes) expect(await node.verdict(secret.value)).toBe('VALID')

  killed.signal('SIGSTOP')
  const waiting = revokeAndWait(first, key.id)
  await pause(200)
  killed.signal('SIGKILL')
  await killed.ended
  const { propagation, tookMs } = await waiting
  expect(propagation).toMatchObject({ complete: true, pending: [] })
  expect(tookMs).toBeLessThan(running.maxStalenessMs * 1.01 + 5_000 + 1_000)
  expect(await first.verdict(secret.value)).toBe('REVOKED')

  const ids = async () => (await running.query<{ id: string }>('select id from nodes')).map(({ id }) => id)
  await until(async () => !(await ids()).includes(killed.id), 20_000, 'the removal of its row')
  expect(await ids()).toEqual([first.id])
  const next = await running.createKey()
  expect((await revokeAndWait(first, next.key.id)).tookMs).toBeLessThan(1_000)
})

test('a wait that times out tells who is pending, and can be asked for again until it is complete', async () => {
  const running = await startNodes({ count: 2 })
  onTestFinished(() => running.stop())
  const [first, killed] = running.nodes
  if (!first || !killed) throw new Error('two nodes are needed')
  const { key } = await running.createKey()
  killed.signal('SIGKILL')
  await killed.ended
  const { status, propagation, tookMs } = await revokeAndWait(first, key.id, 1)
  expect(status).toBe(202)
  expect(propagation).toMatchObject({ complete: false, pending: [killed.id] })
  expect(tookMs).toBeGreaterThan(990)
  expect(tookMs).toBeLessThan(2_500)
  const asked = async () => (await first.request('GET', `/v1/propagations/${propagation.sequence}`)).body
  expect(await asked()).toMatchObject({ complete: false, pending: [killed.id] })
  await until(async () => (await asked()).complete, 10_000, 'the end of its lease')
})
