import type { Quota } from '@keyturn/contract'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import type { Reader } from '../storage/database.ts'
import { Limits } from './limits.ts'
import { QuotaBlocks } from './quota-blocks.ts'
import { readQuota } from './read-quota.ts'
import { nextRefill, periodStart } from './refill.ts'

const dayMs = 86_400_000

describe.each(engines)('quotas, on $name', (engine) => {
  let keyturn: Keyturn
  let reader: Reader
  let made = 0
  let now = Date.UTC(2028, 1, 28, 12)
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    reader = keyturn.database.reader
    await keyturn.createKey('default')
  })
  afterAll(() => keyturn.stop())

  /** A row to count for, like any other. */
  async function newKey(): Promise<string> {
    const id = `key_of_quotas_${++made}`
    await sql`insert into keys select (copied).* from (
      select jsonb_populate_record(k, jsonb_build_object('id', ${id}::text)) as copied from keys k where not legacy limit 1) as one`.execute(
      reader,
    )
    return id
  }
  const troubles: unknown[] = []
  const openNode = (of: Reader = reader) =>
    new QuotaBlocks({ reader: of, now: () => now, onTrouble: (error) => void troubles.push(error) })
  const daily = (limit: number): Quota => ({ limit, refill: 'daily', on_outage: 'allow' })

  const step = fc.record({
    node: fc.nat(2),
    costs: fc.array(fc.oneof(fc.constant(1), fc.nat(9)), { minLength: 1, maxLength: 8 }),
    pass: fc.oneof(fc.constant(0), fc.nat(5_000), fc.constantFrom(dayMs / 4, dayMs)),
    act: fc.constantFrom('nothing', 'nothing', 'settle', 'kill'),
  })

  it('of one node pass exactly what arithmetic says, over days and months', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 150 }),
        fc.constantFrom('daily', 'monthly'),
        fc.array(step, { minLength: 1, maxLength: 8 }),
        async (limit, refill, steps) => {
          const keyId = await newKey()
          const quota: Quota = { limit, refill, on_outage: 'allow' }
          const node = openNode()
          let [period, used] = [0, 0]
          for (const { costs, pass, act } of steps) {
            now += pass
            if (periodStart(now, refill) !== period) [period, used] = [periodStart(now, refill), 0]
            for (const cost of costs) {
              const left = await node.take(keyId, quota, cost, now)
              expect(left.passed).toBe(cost === 0 || used + cost <= limit)
              if (left.passed) used += cost
              expect(left.refillsAt).toBe(nextRefill(period, refill))
              if (left.remaining !== null) expect(left.remaining).toBe(limit - used)
            }
            if (act === 'settle') {
              await node.settle(true)
              expect((await readQuota(reader, keyId, quota, now)).drawn).toBe(used)
            }
          }
        },
      ),
      { numRuns: 25 },
    )
    expect(troubles).toEqual([])
  })

  it('of several nodes that come, go and die never pass more than the limit, and what is given back passes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 150 }),
        fc.array(step, { minLength: 1, maxLength: 12 }),
        async (limit, steps) => {
          const keyId = await newKey()
          const nodes = [openNode(), openNode(), openNode()]
          const passed = new Map<number, number>()
          const ask = async (node: QuotaBlocks | undefined, cost: number) => {
            const left = await node?.take(keyId, daily(limit), cost, now)
            if (left?.passed) passed.set(periodStart(now, 'daily'), usedToday() + cost)
          }
          const usedToday = () => passed.get(periodStart(now, 'daily')) ?? 0
          let killed = false
          for (const { node, costs, pass, act } of steps) {
            now += pass
            if (pass > dayMs / 2) killed = false
            // All at once, on this node and its neighbour.
            await Promise.all(costs.map((cost, at) => ask(nodes[(node + (at % 2)) % 3], cost)))
            if (act === 'settle') await nodes[node]?.settle(true)
            if (act === 'kill') {
              nodes[node] = openNode()
              killed = true
            }
          }
          for (const node of nodes) await node.settle(true)
          now += 2_000
          if (periodStart(now, 'daily') !== periodStart(now - 2_000, 'daily')) return
          for (let call = 0; call < limit + 1; call++) await ask(nodes[0], 1)
          for (const used of passed.values()) expect(used).toBeLessThanOrEqual(limit)
          if (!killed) expect(usedToday()).toBe(limit)
        },
      ),
      { numRuns: 20 },
    )
    expect(troubles).toEqual([])
  })

  it('take effect from the next call on where they are changed: nothing drawn under another limit is used', async () => {
    const keyId = await newKey()
    const node = openNode()
    const take = async (quota: Quota, times: number) => {
      let passed = 0
      for (let call = 0; call < times; call++) if ((await node.take(keyId, quota, 1, now)).passed) passed++
      return passed
    }
    expect(await take(daily(640), 3)).toBe(3)
    // It holds seven more, of the 640.
    expect(await take(daily(5), 10)).toBe(2)
    expect(await take(daily(8), 10)).toBe(3)
    expect(await readQuota(reader, keyId, daily(8), now)).toMatchObject({ drawn: 8, remaining: 0 })
    // Months are counted apart, and the day is still known when it comes to days again.
    expect(await take({ ...daily(4), refill: 'monthly' }, 10)).toBe(4)
    expect(await take(daily(9), 10)).toBe(1)
  })

  it.each([
    ['refill', { ...daily(640), refill: 'monthly' as const }],
    ['limit', daily(700)],
  ])('whose %s is changed while a call waits count what that takes, and nothing is used twice', async (_, changed) => {
    const keyId = await newKey()
    const answered = Promise.withResolvers<undefined>()
    let statements = 0
    const held = reader.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        if (++statements === 2) await answered.promise
        return result
      },
    })
    const node = openNode(held)
    // Nine more are at hand then.
    expect((await node.take(keyId, daily(640), 1, now)).passed).toBe(true)
    const waiting = node.take(keyId, daily(640), 12, now)
    const meanwhile = node.take(keyId, changed, 1, now)
    answered.resolve(undefined)
    expect([(await waiting).passed, (await meanwhile).passed]).toEqual([true, true])
    await node.settle(true)
    const drawn = (await readQuota(reader, keyId, daily(640), now)).drawn
    expect(drawn).toBe(changed.refill === 'daily' ? 14 : 13)
  })

  it('are charged after the windows, and without a promise as long as a block is at hand', async () => {
    const keyId = await newKey()
    const limits = new Limits(openNode(), null)
    const both = { windows: [{ limit: 5, window_seconds: 60 }], quota: daily(640) }
    // There is no block yet: nothing is taken, from the window neither.
    expect(limits.chargeNow(keyId, both, 1, now)).toBeUndefined()
    const first = await limits.charge(keyId, both, 1, now)
    expect(first).toMatchObject({ code: 'VALID', windows: { windows: [{ remaining: 4 }] }, quota: { remaining: 639 } })
    for (const remaining of [3, 2, 1, 0])
      expect(limits.chargeNow(keyId, both, 1, now)).toMatchObject({ windows: { windows: [{ remaining }] } })
    expect(limits.chargeNow(keyId, both, 1, now)).toMatchObject({ code: 'RATE_LIMITED', quota: null })
    expect(limits.chargeNow(keyId, { windows: null, quota: daily(640) }, 1, now)?.quota?.remaining).toBe(634)
    expect(limits.chargeNow(keyId, { ...both, quota: null }, 1, now + 60_000)).toMatchObject({ code: 'VALID' })
  })

  it('of a node that is a moment behind are drawn from the day that has begun', async () => {
    const keyId = await newKey()
    const midnight = periodStart(now, 'daily') + dayMs
    const [ahead, behind] = [openNode(), openNode()]
    expect((await ahead.take(keyId, daily(3), 2, midnight)).passed).toBe(true)
    const late = await behind.take(keyId, daily(3), 1, midnight - 1)
    expect(late).toMatchObject({ passed: true, refillsAt: midnight + dayMs })
    expect((await behind.take(keyId, daily(3), 1, midnight - 1)).passed).toBe(false)
  })

  it('say once that a call can never pass, and take nothing for one that costs nothing', async () => {
    const keyId = await newKey()
    const node = openNode()
    expect(await node.take(keyId, daily(5), 6, now)).toMatchObject({ passed: false, retryAt: null })
    expect(await node.take(keyId, daily(5), 5, now)).toMatchObject({ passed: true, remaining: 0 })
    expect(await node.take(keyId, daily(5), 0, now)).toMatchObject({ passed: true, remaining: 0 })
    expect(await node.take(keyId, daily(5), 1, now)).toMatchObject({
      retryAt: nextRefill(periodStart(now, 'daily'), 'daily'),
    })
  })

  it('while the database is away go by the key, without asking each time, and what passed is booked afterwards', async () => {
    let [isAway, statements] = [true, 0]
    const away = reader.withPlugin({
      transformQuery: ({ node }) => {
        statements++
        if (isAway) throw new Error('away')
        return node
      },
      transformResult: async ({ result }) => result,
    })
    const [allowed, refused] = [await newKey(), await newKey()]
    const before = troubles.length
    const node = openNode(away)
    for (let call = 0; call < 3; call++) {
      expect(await node.take(allowed, daily(10), 2, now)).toMatchObject({ passed: true, outage: true })
      expect(await node.take(refused, { ...daily(10), on_outage: 'refuse' }, 1, now)).toMatchObject({
        passed: false,
        outage: true,
        retryAt: now + 1_000,
      })
    }
    expect([statements, node.failedDraws, troubles.length - before]).toEqual([1, 1, 1])
    isAway = false
    now += 1_000
    expect(await node.take(allowed, daily(10), 4, now)).toMatchObject({ passed: true, remaining: 0 })
    expect((await node.take(allowed, daily(10), 1, now)).passed).toBe(false)
    expect((await readQuota(reader, allowed, daily(10), now)).drawn).toBe(10)
    await node.settle(true)
    expect((await readQuota(reader, allowed, daily(10), now)).drawn).toBe(10)
    expect((await readQuota(reader, refused, daily(10), now)).drawn).toBe(0)
  })

  it('go back while they are not used, for other nodes', async () => {
    const keyId = await newKey()
    const [idle, busy] = [openNode(), openNode()]
    await idle.take(keyId, daily(640), 1, now)
    const drawn = async () => (await readQuota(reader, keyId, daily(640), now)).drawn
    expect(await drawn()).toBe(10)
    await idle.settle()
    expect(await drawn()).toBe(10)
    now += 60_000
    await idle.settle()
    expect(await drawn()).toBe(1)
    expect((await busy.take(keyId, daily(640), 639, now)).passed).toBe(true)
  })

  it('of a call that is not answered with it go back to the block', async () => {
    const keyId = await newKey()
    const node = openNode()
    const left = await node.take(keyId, daily(2), 2, now)
    node.giveBack(keyId, left, 2)
    expect((await node.take(keyId, daily(2), 2, now)).passed).toBe(true)
    // Of a day that is over nothing comes back.
    now += dayMs
    expect((await node.take(keyId, daily(2), 2, now)).passed).toBe(true)
    node.giveBack(keyId, left, 2)
    expect((await node.take(keyId, daily(2), 1, now)).passed).toBe(false)
  })
})
