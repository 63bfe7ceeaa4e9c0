import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type NodeProcess, type Nodes, startNodes, until, VerifyLoad } from '../support/nodes.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'

const present = hasRedis()

describe('rate limits of two nodes on one Redis', () => {
  let redis: RedisServer
  let running: Nodes
  let nodes: [NodeProcess, NodeProcess]
  beforeAll(async () => {
    if (!present) return
    redis = await startRedis()
    running = await startNodes({ count: 2, maxStaleness: 30, environment: { REDIS_URL: redis.url } })
    const [first, second] = running.nodes
    if (!first || !second) throw new Error('two nodes are needed')
    nodes = [first, second]
    await areShared(true)
  })
  afterAll(async () => {
    if (!present) return
    await running.stop()
    await redis.stop()
  })
  beforeEach(({ skip }) => {
    if (!present) skip('Redis is not on this machine: `apt-get install redis-server`')
  })

  const metric = async (node: NodeProcess, name: string) => {
    const text = await (await fetch(`${node.url}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }
  const areShared = (shared: boolean) =>
    until(
      async () => {
        const ups = await Promise.all(nodes.map((node) => metric(node, 'keyturn_redis_up')))
        return ups.every((up) => up === Number(shared))
      },
      20_000,
      shared ? 'Redis' : 'the loss of Redis',
    )
  const fallbacks = () => Promise.all(nodes.map((node) => metric(node, 'keyturn_rate_limit_fallbacks_total')))
  /** On a machine that is busy with other things Redis may be late once: what was done in that time is done again. */
  async function undisturbed<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < 5; attempt++) {
      await areShared(true)
      const before = await fallbacks()
      const result = await work()
      if ((await fallbacks()).join() === before.join()) return result
    }
    throw new Error('Redis was late each time')
  }
  const said = (text: string) => nodes.map((node) => node.output().split(text).length - 1)
  const lost = 'Redis does not answer'
  const back = 'Redis answers again'
  const limited = async (...windows: [limit: number, window_seconds: number][]) => {
    const rate_limit = { windows: windows.map(([limit, window_seconds]) => ({ limit, window_seconds })) }
    return running.createKey({ rate_limit })
  }
  /** Of so many calls at once, half on each node. */
  const codesOf = async (value: string, calls: number, demand = {}) => {
    const asked = Array.from({ length: calls }, (_, call) => nodes[call % 2 === 0 ? 0 : 1].verdict(value, demand))
    return countOf(await Promise.all(asked))
  }
  const countOf = (codes: readonly string[]) =>
    Object.fromEntries([...new Set(codes)].map((code) => [code, codes.filter((each) => each === code).length]))

  it('are one limit: of 64 calls at once exactly as many pass as may', async () => {
    const { codes, left } = await undisturbed(async () => {
      const { secret } = await limited([40, 600])
      const told = await codesOf(secret.value, 64)
      return { codes: told, left: await Promise.all(nodes.map((node) => node.verify(secret.value))) }
    })
    expect(codes).toEqual({ VALID: 40, RATE_LIMITED: 24 })
    for (const { rate_limit } of left)
      expect(rate_limit).toMatchObject({ windows: [{ limit: 40, window_seconds: 600, remaining: 0 }] })
    expect(left[0].rate_limit.windows[0].resets_at).toBe(left[1].rate_limit.windows[0].resets_at)
    expect(left[0].rate_limit.retry_after).toBeGreaterThan(590)
  })

  it('take from all windows or from none, and count what a call costs', async () => {
    for (const limits of [
      [5, 50],
      [50, 5],
    ] as const) {
      const { dear, left, free } = await undisturbed(async () => {
        const { secret } = await limited([limits[0], 600], [limits[1], 1200])
        return {
          dear: await codesOf(secret.value, 6, { cost: 3 }),
          left: (await nodes[0].verify(secret.value)).rate_limit.windows,
          free: await codesOf(secret.value, 2, { cost: 0 }),
        }
      })
      expect(dear).toEqual({ VALID: 1, RATE_LIMITED: 5 })
      expect(left).toMatchObject(limits.map((limit) => ({ remaining: limit - 4 })))
      expect(free).toEqual({ VALID: 2 })
    }
  })

  it('begin anew when a window has ended, and leave nothing in Redis', async () => {
    const { key, secret, codes } = await undisturbed(async () => {
      const made = await limited([1, 1])
      return { ...made, codes: await codesOf(made.secret.value, 2) }
    })
    expect(codes).toEqual({ VALID: 1, RATE_LIMITED: 1 })
    await until(async () => (await nodes[1].verdict(secret.value)) === 'VALID', 5_000, 'the next window')
    const client = new Redis(redis.url)
    await until(async () => (await client.exists(`keyturn:windows:${key.id}`)) === 0, 5_000, 'the end of its entry')
    client.disconnect()
  })

  const outages: [string, () => Promise<void> | void, () => Promise<void> | void][] = [
    ['stops without a word', () => redis.signal('SIGSTOP'), () => redis.signal('SIGCONT')],
    ['is killed', () => redis.kill(), () => redis.start()],
  ]
  it.each(outages)(
    'hold for each node while Redis %s: no verdict fails or waits, it is said once, and it is over by itself',
    async (_, breakIt, mendIt) => {
      const before = [...said(lost), ...said(back)]
      const free = await limited([1_000_000, 600])
      const { secret, first } = await undisturbed(async () => {
        const made = await limited([10, 600])
        return { ...made, first: await codesOf(made.secret.value, 4) }
      })
      expect(first).toEqual({ VALID: 4 })
      const load = new VerifyLoad(nodes, [free.secret.value], 4)
      try {
        await until(() => load.seen.length > 50)
        await breakIt()
        await areShared(false)
        // Each goes on from what both have counted, as far as it has heard of it.
        const codes = await codesOf(secret.value, 40)
        expect(codes['VALID']).toBeGreaterThanOrEqual(12)
        expect(codes['VALID']).toBeLessThanOrEqual(16)
        const [counted = 0] = await fallbacks()
        await until(async () => ((await fallbacks())[0] ?? 0) > counted + 50)
        await mendIt()
        await areShared(true)
        const answered = load.seen.length
        await until(() => load.seen.length > answered + 50)
      } finally {
        await load.stop()
      }
      expect(countOf(load.seen.map(({ code }) => code))).toEqual({ VALID: load.seen.length })
      // 100 ms for Redis, and what the machine does otherwise.
      expect(Math.max(...load.seen.map(({ sentAt, answeredAt }) => answeredAt - sentAt))).toBeLessThan(2_000)
      // Once for each outage, and not for each call: a busy machine may have brought about another.
      for (const [at, count] of [...said(lost), ...said(back)].entries()) {
        expect(count - (before[at] ?? 0)).toBeGreaterThanOrEqual(1)
        expect(count - (before[at] ?? 0)).toBeLessThanOrEqual(3)
      }
      const after = await undisturbed(async () => codesOf((await limited([10, 600])).secret.value, 24))
      expect(after).toEqual({ VALID: 10, RATE_LIMITED: 14 })
    },
  )

  it('hold for each node where Redis lets nobody in, and the password is in no log', async () => {
    const words = 'my-own-secret-words'
    const url = redis.url.replace('//', `//nobody:${words}@`)
    const alone = await startNodes({ count: 1, environment: { REDIS_URL: url, KEYTURN_LOG_LEVEL: 'trace' } })
    try {
      const [node] = alone.nodes
      const { secret } = await alone.createKey({ rate_limit: { windows: [{ limit: 1, window_seconds: 600 }] } })
      expect([await node?.verdict(secret.value), await node?.verdict(secret.value)]).toEqual(['VALID', 'RATE_LIMITED'])
      expect(node?.output().split(lost).length).toBe(2)
      expect(node?.output()).toContain('WRONGPASS')
      expect(node?.output()).not.toContain(words)
    } finally {
      await alone.stop()
    }
  })
})

describe('a node whose Redis was never there', () => {
  it('starts, says so once, and counts by itself', async () => {
    const running = await startNodes({ count: 1, environment: { REDIS_URL: 'redis://127.0.0.1:1' } })
    try {
      const [node] = running.nodes
      const { secret } = await running.createKey({ rate_limit: { windows: [{ limit: 2, window_seconds: 600 }] } })
      const codes = []
      while (codes.length < 3) codes.push(await node?.verdict(secret.value))
      expect(codes).toEqual(['VALID', 'VALID', 'RATE_LIMITED'])
      expect(node?.output().split('Redis does not answer').length).toBe(2)
    } finally {
      await running.stop()
    }
  })
})
