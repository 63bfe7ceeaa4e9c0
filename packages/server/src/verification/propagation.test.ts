import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { MovedClock } from '../../test/support/moved-clock.ts'
import type { Database } from '../storage/database.ts'
import type { ChangeFeed } from './change-feed.ts'
import { look, register } from './feed-store.ts'
import { Propagation } from './propagation.ts'

const change = (database: Database) =>
  database.transaction((tx) => tx.insertInto('outbox').values({ changed_kind: 'key', changed_id: 'key_1' }).execute())

describe.each(engines)('propagation of a change, on $name', ({ open }) => {
  let database: Database
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  async function start() {
    const { reader } = database
    await reader.deleteFrom('nodes').execute()
    const clock = new MovedClock()
    const nodes = { node_own: 3_000, node_quick: 3_000, node_slow: 60_000 }
    for (const [id, maxStalenessMs] of Object.entries(nodes))
      await register(reader, { id, formerId: null, version: '1', maxStalenessMs }, false)
    // All that is asked of it here.
    const feed = { nodeId: 'node_own', maxStalenessMs: 3_000, knownSince: () => null } as unknown as ChangeFeed
    await change(database)
    return { reader, clock, propagation: new Propagation(reader, feed, clock) }
  }

  it('is complete when every node has reported it, and not before', async () => {
    const { reader, propagation } = await start()
    const sequence = await propagation.newest()
    for (const [index, id] of ['node_own', 'node_quick', 'node_slow'].entries()) {
      expect((await propagation.state(sequence, 0)).pending).toEqual(
        ['node_own', 'node_quick', 'node_slow'].slice(index),
      )
      await look(reader, id, sequence)
    }
    expect(await propagation.state(sequence, 0)).toEqual({ complete: true, sequence, pending: [] })
  })

  it('waits for no node longer than for the lease of that one', async () => {
    const { clock, propagation } = await start()
    const sequence = await propagation.newest()
    const knownSince = clock.monotonic()
    clock.pass(3_000 * 1.01 + 4_999)
    expect((await propagation.state(sequence, knownSince)).pending).toHaveLength(3)
    clock.pass(1)
    expect((await propagation.state(sequence, knownSince)).pending).toEqual(['node_slow'])
    clock.pass(60_000)
    expect((await propagation.state(sequence, knownSince)).complete).toBe(true)
    // Not known when it was committed: no lease can be said to be over.
    expect((await propagation.state(sequence, null)).complete).toBe(false)
  })

  it('is not complete while the registry does not have this very node', async () => {
    const { reader, clock, propagation } = await start()
    const sequence = await propagation.newest()
    await reader.deleteFrom('nodes').execute()
    const knownSince = clock.monotonic()
    expect((await propagation.state(sequence, knownSince)).pending).toEqual(['node_own'])
    clock.pass(3_000 * 1.01 + 5_000)
    expect((await propagation.state(sequence, knownSince)).complete).toBe(true)
  })

  it('waits for nodes that a database which was set back may have lost', async () => {
    const { reader, propagation } = await start()
    const sequence = await propagation.newest()
    for (const id of ['node_quick', 'node_slow']) await look(reader, id, sequence)
    await register(reader, { id: 'node_own', formerId: null, version: '1', maxStalenessMs: 3_000 }, true)
    expect((await propagation.state(sequence, null)).pending).toEqual(['node_unknown'])
  })

  it('of a change that was never made is nothing', async () => {
    const { propagation } = await start()
    const newest = await propagation.newest()
    await expect(propagation.state(newest + 1)).rejects.toMatchObject({ code: 'propagation_not_found' })
  })
})
