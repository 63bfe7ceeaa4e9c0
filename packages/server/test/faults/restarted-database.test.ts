import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../postgres/postgres-server.ts'
import { type NodeProcess, revokeAndWait, startNodes, until, VerifyLoad } from '../support/nodes.ts'

test('a database that crashes under load stops no warm verdict while the lease is held, loses nothing, and everything recovers by itself', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const running = await startNodes({ count: 2, maxStaleness: 20, databaseUrl: server.url })
  onTestFinished(() => running.stop())
  const [first, second] = running.nodes
  if (!first || !second) throw new Error('two nodes are needed')
  const [before, valid, after] = [await running.createKey(), await running.createKey(), await running.createKey()]
  const values = [before, valid, after].map(({ secret }) => secret.value)
  const load = new VerifyLoad(running.nodes, values)
  onTestFinished(() => load.stop())
  await until(() => load.seen.length > 200)
  const revokedBefore = await revokeAndWait(first, before.key.id)
  expect(revokedBefore.propagation.complete).toBe(true)

  // Transactions are under way on both nodes when the server dies.
  const changes = new Changes(running.nodes)
  onTestFinished(() => changes.stop())
  await until(() => changes.created.length > 5)
  const crashedAt = performance.now()
  await server.restart('immediate')
  const backAt = performance.now()
  const createdThen = changes.created.length
  await until(() => changes.created.length > createdThen + 5, 15_000, 'the first changes after the crash')
  await changes.stop()

  const revokedAfter = await revokeAndWait(second, after.key.id)
  expect(revokedAfter.propagation.complete).toBe(true)
  expect(revokedAfter.tookMs).toBeLessThan(3_000)
  await pause(300)
  await load.stop()

  expect(backAt - crashedAt).toBeLessThan(10_000)
  expect(load.codesSince(0, valid.secret.value)).toEqual(new Set(['VALID']))
  expect(load.codesSince(revokedBefore.at, before.secret.value)).toEqual(new Set(['REVOKED']))
  expect(load.codesSince(revokedAfter.at, after.secret.value)).toEqual(new Set(['REVOKED']))
  // What was acknowledged is there, on every node; what was not was told so.
  expect([...changes.refused].filter((status) => status !== 503)).toEqual([])
  for (const { id, value } of changes.created) {
    expect((await second.request('GET', `/v1/keys/${id}`)).status).toBe(200)
    for (const node of running.nodes) expect(await node.verdict(value)).toBe('VALID')
  }
})

/** Creates keys without pause. */
class Changes {
  readonly created: { id: string; value: string }[] = []
  readonly refused = new Set<number>()
  readonly #callers: Promise<void>[]
  #stopped = false

  constructor(nodes: readonly NodeProcess[]) {
    this.#callers = nodes.flatMap((node) => [this.#create(node), this.#create(node)])
  }

  async #create(node: NodeProcess): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const name = `Import ${node.pid} ${turn} ${Math.random()}`
      const { status, body } = await node.request('POST', '/v1/projects/default/keys', { name })
      if (status === 201) this.created.push({ id: body.key.id, value: body.secret.value })
      // The limit of the project is no matter here.
      else if (status !== 409) this.refused.add(status)
      if (status === 409) await pause(50)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#callers)
  }
}
