import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { MovedClock } from '../../test/support/moved-clock.ts'
import type { Database, Reader } from '../storage/database.ts'
import { listNodes, look, register } from './feed-store.ts'
import { NodeRegistry } from './node-registry.ts'

const leaseMs = 3_000

describe.each(engines)('the registry of nodes, on $name', ({ open }) => {
  let database: Database
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  async function start() {
    const { reader } = database
    await reader.deleteFrom('nodes').execute()
    for (const id of ['node_live', 'node_silent'])
      await register(reader, { id, formerId: null, version: '1', maxStalenessMs: leaseMs }, false)
    const clock = new MovedClock()
    return { reader, clock, registry: new NodeRegistry(reader, clock) }
  }
  const ids = async (reader: Reader) => (await listNodes(reader)).nodes.map((node) => node.id)

  it('loses a node only after its heartbeat was seen to stand still for twice its lease', async () => {
    const { reader, clock, registry } = await start()
    for (let ms = 0; ms <= 2 * leaseMs; ms += 1_000) {
      await look(reader, 'node_live', 0)
      expect(await registry.removeSilent()).toEqual([])
      clock.pass(1_000)
    }
    await look(reader, 'node_live', 0)
    expect(await registry.removeSilent()).toEqual(['node_silent'])
    expect(await ids(reader)).toEqual(['node_live'])
  })

  it('begins to count anew with each sign of life, however late it comes', async () => {
    const { reader, clock, registry } = await start()
    for (let round = 0; round < 3; round++) {
      for (const id of ['node_live', 'node_silent']) await look(reader, id, 0)
      expect(await registry.removeSilent()).toEqual([])
      clock.pass(2 * leaseMs)
    }
    expect(await registry.removeSilent()).toEqual([])
    clock.pass(1)
    expect((await registry.removeSilent()).toSorted()).toEqual(['node_live', 'node_silent'])
  })

  it('takes the time that a reading took for nobody’s silence', async () => {
    const { reader, clock } = await start()
    const slow = reader.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        clock.pass(leaseMs)
        return result
      },
    })
    const registry = new NodeRegistry(slow, clock)
    await registry.removeSilent()
    expect(await registry.removeSilent()).toEqual([])
    expect(await ids(reader)).toHaveLength(2)
  })

  it('counts anew after a time in which the database could not be asked', async () => {
    const { reader, clock } = await start()
    let isAway = false
    const failing = reader.withPlugin({
      transformQuery: ({ node }) => {
        if (isAway) throw new Error('away')
        return node
      },
      transformResult: async ({ result }) => result,
    })
    const registry = new NodeRegistry(failing, clock)
    await registry.removeSilent()
    isAway = true
    await expect(registry.removeSilent()).rejects.toThrow('away')
    clock.pass(10 * leaseMs)
    isAway = false
    expect(await registry.removeSilent()).toEqual([])
    expect(await ids(reader)).toHaveLength(2)
  })
})
