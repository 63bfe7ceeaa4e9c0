import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { MovedClock } from '../../test/support/moved-clock.ts'
import type { Database } from '../storage/database.ts'
import type { ChangedKind } from '../storage/schema.ts'
import { ChangeFeed } from './change-feed.ts'
import { DatabaseTime } from './database-time.ts'
import { listNodes, rowsPerLook } from './feed-store.ts'
import { Lease } from './lease.ts'
import { RecordCache } from './record-cache.ts'

describe.each(engines)('the change feed, on $name', ({ open }) => {
  let database: Database
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  async function start() {
    const { reader } = database
    await reader.deleteFrom('nodes').execute()
    const clock = new MovedClock()
    const cache = new RecordCache(100, 100)
    const lease = new Lease(clock, 3_000)
    let destroyed = 0
    let isAway = false
    const connect = async () => {
      if (isAway) throw new Error('away')
      return { reader, destroy: () => destroyed++ }
    }
    const feed = new ChangeFeed({
      connect,
      cache,
      lease,
      time: new DatabaseTime(clock),
      clock,
      version: '1',
      onTrouble: () => {},
    })
    const change = (kind: ChangedKind = 'key', count = 1) =>
      database.transaction((tx) =>
        tx
          .insertInto('outbox')
          .values(Array.from({ length: count }, () => ({ changed_kind: kind, changed_id: 'x' })))
          .execute(),
      )
    const nodes = async () => (await listNodes(reader)).nodes
    await change()
    await feed.start()
    onTestFinished(async () => {
      isAway = false
      await feed.stop()
      expect((await nodes()).filter((node) => node.id !== 'node_unknown')).toEqual([])
    })
    const remember = () => cache.remember('tried', 'miss')
    return {
      reader,
      clock,
      cache,
      lease,
      feed,
      change,
      nodes,
      remember,
      setAway: (away: boolean) => (isAway = away),
      destroyed: () => destroyed,
    }
  }

  it('passes a generation with what it applies, and reports it', async () => {
    const { cache, feed, change, nodes } = await start()
    const { generation } = cache
    await feed.wake()
    expect(cache.generation).toBe(generation)
    await change()
    await feed.wake()
    expect(cache.generation).toBeGreaterThan(generation)
    expect((await nodes()).map((node) => node.appliedSequence)).toEqual([feed.applied])
  })

  it('catches up with more changes than one look takes', async () => {
    const { feed, change, lease } = await start()
    const before = feed.applied
    await change('key', 2 * rowsPerLook + 7)
    await feed.wake()
    expect(feed.applied).toBe(before + 2 * rowsPerLook + 7)
    expect(lease.isHeld()).toBe(true)
  })

  const setBacks = {
    'ends earlier': sql`with gone as (delete from change_feed where sequence > 1) update change_feed_head set sequence = 1`,
    'has another change in the place of the last': sql`update change_feed set nonce = gen_random_uuid()`,
    'has lost what comes next': sql`with gone as (delete from change_feed) update change_feed_head set sequence = sequence + 5`,
  }
  it.each(Object.entries(setBacks))('that %s empties the cache, and the node begins anew', async (_how, statement) => {
    const { reader, cache, feed, change, nodes, remember, lease } = await start()
    await change()
    await feed.wake()
    const before = feed.nodeId
    remember()
    await statement.execute(reader)
    await feed.wake()
    expect(cache.get('tried')).toBeUndefined()
    expect(feed.nodeId).not.toBe(before)
    expect(feed.applied).toBe((await listNodes(reader)).head)
    expect(lease.isHeld()).toBe(true)
    // Others may be unknown to this database: they are waited for.
    expect((await nodes()).map((node) => node.id).toSorted()).toEqual([feed.nodeId, 'node_unknown'].toSorted())
  })

  it('begins anew where its row is gone: as one that was silent for long, or else as one of a database that was set back', async () => {
    for (const silentMs of [7_000, 10]) {
      const { reader, clock, cache, feed, nodes, remember } = await start()
      remember()
      await reader.deleteFrom('nodes').execute()
      clock.pass(silentMs)
      await feed.wake()
      expect(cache.get('tried')).toBeUndefined()
      const ids = (await nodes()).map((node) => node.id)
      expect(ids).toContain(feed.nodeId)
      expect(ids.includes('node_unknown')).toBe(silentMs === 10)
    }
  })

  it('that cannot be read keeps what it knows, replaces its connection, and goes on where it was', async () => {
    const { feed, change, cache, remember, setAway, lease, clock, nodes } = await start()
    remember()
    const { nodeId, applied } = feed
    setAway(true)
    await change('root_key')
    // The connection that it has is as good as ever: only a failed look ends it.
    await feed.wake()
    expect(feed.applied).toBe(applied + 1)
    expect(cache.get('tried')).toBeUndefined()
    expect(feed.nodeId).toBe(nodeId)
    clock.pass(3_000)
    expect(lease.isHeld()).toBe(false)
    setAway(false)
    await feed.wake()
    expect(lease.isHeld()).toBe(true)
    expect(await nodes()).toHaveLength(1)
  })
})
