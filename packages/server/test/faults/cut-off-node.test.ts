import { afterEach, describe, expect, test } from 'vitest'
import { type Nodes, revokeAndWait, startNodes, until, VerifyLoad } from '../support/nodes.ts'

let running: Nodes
let load: VerifyLoad
afterEach(async () => {
  await load?.stop()
  await running?.stop()
})

async function start(maxStaleness?: number) {
  running = await startNodes({ count: 2, ...(maxStaleness && { maxStaleness }) })
  const [near, far] = running.nodes
  if (!near || !far) throw new Error('two nodes are needed')
  const { key, secret } = await running.createKey()
  const other = await running.createKey()
  for (const node of running.nodes)
    for (const value of [secret.value, other.secret.value]) expect(await node.verdict(value)).toBe('VALID')
  return { near, far, key, value: secret.value, otherValue: other.secret.value }
}

describe('a node that is cut off from the database without notice', () => {
  test('keeps a waited revocation from being complete until its lease is over, never says VALID after that, and heals by itself', async () => {
    const { near, far, key, value, otherValue } = await start()
    far.proxy.silence()
    const silentSince = performance.now()
    load = new VerifyLoad([far], [value, otherValue])

    const revoked = await revokeAndWait(near, key.id)
    expect(revoked.status).toBe(200)
    expect(revoked.propagation).toMatchObject({ complete: true, pending: [] })
    expect(revoked.tookMs).toBeGreaterThan(running.maxStalenessMs)
    expect(revoked.tookMs).toBeLessThan(running.maxStalenessMs * 1.01 + 5_000 + 2_000)
    // Until its lease ran out it went on by what it knew: a database that is away for a moment stops nobody.
    expect(load.codesSince(silentSince + 100, otherValue)).toContain('VALID')

    await until(() => load.codesSince(revoked.at, value).size > 0)
    far.proxy.speak()
    await until(() => load.codesSince(revoked.at, value).has('REVOKED'), 12_000, 'the truth')
    await until(async () => (await far.verdict(otherValue)) === 'VALID', 5_000, 'the first verdict of the healed node')
    await load.stop()
    expect([...load.codesSince(revoked.at, value)].filter((code) => code !== '503' && code !== 'REVOKED')).toEqual([])
    await until(async () => (await lag(near, running)) === 0, 10_000, 'a registry without lag')
  })

  test('heals by itself where its connections stay dead for ever, and where its row was removed meanwhile', async () => {
    const { near, far, key, value, otherValue } = await start()
    far.proxy.silence()
    // Twice the lease, and the rounds of the job that looks for it.
    await until(async () => !(await ids(running)).includes(far.id), 25_000, 'the removal of the silent node')
    const revoked = await revokeAndWait(near, key.id)
    expect(revoked.propagation.complete).toBe(true)
    expect(revoked.tookMs).toBeLessThan(1_000)
    load = new VerifyLoad([far], [value])
    await until(() => load.seen.length > 4, 20_000)
    far.proxy.forgetConnections()
    await until(async () => (await far.verdict(otherValue)) === 'VALID', 15_000, 'the first verdict of the healed node')
    await until(async () => (await ids(running)).length === 2, 10_000, 'its new row')
    expect(await ids(running)).not.toContain(far.id)
    await load.stop()
    expect([...load.codesSince(0, value)].filter((code) => code !== '503' && code !== 'REVOKED')).toEqual([])
    // It is one of those again for whom everybody waits, and who report.
    const next = await running.createKey()
    expect(await far.verdict(next.secret.value)).toBe('VALID')
    const again = await revokeAndWait(far, next.key.id)
    expect(again.propagation.complete).toBe(true)
    expect(again.tookMs).toBeLessThan(2_000)
  })
})

async function ids({ query }: Nodes): Promise<string[]> {
  return (await query<{ id: string }>('select id from nodes')).map((row) => row.id)
}

async function lag(node: Nodes['nodes'][number], _nodes: Nodes): Promise<number> {
  const { body } = await node.request('GET', '/v1/nodes')
  return Math.max(...body.data.map((one: { lag: number }) => one.lag))
}
