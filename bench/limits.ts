import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { setUp } from './keyturn-setup.ts'
import { type Load, presentAll } from './load.ts'
import { findFreePort, isInstalled, loadCore, serverCore } from './processes.ts'
import { measureAll, print, ratio, title } from './verify.ts'

const ofEach = 5_000
const limits = {
  rate_limit: JSON.stringify({ windows: [{ limit: 1_000_000_000, window_seconds: 3600 }] }),
  quota: JSON.stringify({ limit: 1_000_000_000, refill: 'monthly', on_outage: 'allow' }),
}

/** Keys without limits beside keys with one, all of them valid: what a limit costs a verdict. */
export async function benchLimits(): Promise<void> {
  for (const tool of ['wrk', 'taskset', 'redis-server']) {
    if (isInstalled(tool)) continue
    console.error(`${tool} is missing; on Debian: apt-get install wrk util-linux redis-server`)
    process.exitCode = 2
    return
  }
  const setup = await setUp(3 * ofEach, true)
  const redis = await startRedis()
  try {
    for (const [at, field] of (['rate_limit', 'quota'] as const).entries())
      await setup.client.query(
        `update keys set ${field} = $1 where id in (
           select key_id from secrets where digest in (select sha256(v::bytea) from unnest($2::text[]) as v))`,
        [limits[field], setup.values.slice((at + 1) * ofEach, (at + 2) * ofEach)],
      )
    const load = (part: number, way: Load['way'] = 'post'): Load => ({
      values: setup.valuesFile,
      way,
      credential: setup.asker,
      first: part * ofEach,
      count: ofEach,
      seconds: 4,
      connections: 32,
    })
    const alone = await setup.startNode(serverCore)
    const shared = await setup.startNode(serverCore, { REDIS_URL: redis.url })
    for (const node of [alone, shared]) await presentAll(node, { ...load(0), count: 3 * ofEach })
    title('limits: all calls pass')
    const results = await measureAll([
      { name: 'POST, no limits', server: alone, load: load(0) },
      { name: 'POST, a rate limit', server: alone, load: load(1) },
      { name: 'POST, a quota', server: alone, load: load(2) },
      { name: 'POST, a rate limit in Redis', server: shared, load: load(1) },
      { name: 'POST, none, Redis is set', server: shared, load: load(0) },
      { name: 'GET, no limits', server: alone, load: load(0, 'authorize') },
      { name: 'GET, a rate limit', server: alone, load: load(1, 'authorize') },
    ])
    const of = (name: string) => results.get(name)
    const free = of('POST, no limits')
    print('a rate limit of none', ratio(of('POST, a rate limit'), free), '0.6')
    print('a quota of none', ratio(of('POST, a quota'), free), '0.6')
    print('a rate limit in Redis of none', ratio(of('POST, a rate limit in Redis'), free), '0.2')
    print('none with Redis of none without', ratio(of('POST, none, Redis is set'), free), '1')
    print('GET with a rate limit of none', ratio(of('GET, a rate limit'), of('GET, no limits')), '0.6')
  } finally {
    await redis.stop()
    await setup.stop()
  }
}

/** On the core of the load, as PostgreSQL. */
async function startRedis() {
  const port = await findFreePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn('taskset', ['-c', String(loadCore), 'redis-server', ...options], { stdio: 'ignore' })
  process.on('exit', () => server.kill())
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { retryStrategy: () => 50 })
  client.on('error', () => {})
  // Not `once`, which takes the errors of the first attempts for its own.
  await new Promise((resolve) => client.once('ready', resolve))
  client.disconnect()
  const stop = async () => {
    const ended = once(server, 'exit')
    server.kill()
    await ended
  }
  return { url, stop }
}
