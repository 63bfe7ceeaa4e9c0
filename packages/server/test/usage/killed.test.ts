import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bareEnvironment } from '../support/bare-environment.ts'
import { createPostgresDatabase } from '../support/engines.ts'

const main = path.resolve(import.meta.dirname, '../../src/main/main.ts')
const rootKey = `kt_root_${randomBytes(24).toString('hex')}`
const masterKey = randomBytes(32).toString('hex')
const flushMs = 5_000

interface Server {
  readonly url: string
  /** By what it ends, and that it has. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** `npm start`, as a process. */
async function startServer(directory: string, databaseUrl: string | null): Promise<Server> {
  const environment = {
    ...bareEnvironment,
    KEYTURN_PORT: '0',
    KEYTURN_LOG_LEVEL: 'error',
    KEYTURN_DATA_DIR: path.join(directory, 'data'),
    KEYTURN_ROOT_KEY: rootKey,
    KEYTURN_MASTER_KEY: masterKey,
    ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
  }
  const child = spawn(process.execPath, [main], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const [, address] = /Open\s+(http:[^\s,]+)[\s,]/.exec(output) ?? []
      if (address !== undefined) resolve(address.replace('localhost', '127.0.0.1'))
    })
    ended.then(() => reject(new Error(`it did not start: ${output}`)), reject)
  })
  return {
    url,
    end: async (signal) => {
      child.kill(signal)
      await ended
    },
  }
}

const places = [
  { name: 'PGlite', open: async () => ({ url: null, drop: async () => {} }) },
  { name: 'PostgreSQL', open: () => createPostgresDatabase() },
]

describe.each(places)('counts of calls, on $name', ({ open }) => {
  let directory: string
  let database: { url: string | null; drop: () => Promise<void> }
  let server: Server
  let key: { id: string; value: string }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'keyturn-usage-'))
    database = await open()
    server = await startServer(directory, database.url)
    const { key: made, secret } = await request('POST', '/v1/projects/default/keys', { name: 'Zapier, production' })
    key = { id: made.id, value: secret.value }
  })
  afterAll(async () => {
    await server.end('SIGKILL')
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  async function request(method: string, at: string, body?: object): Promise<any> {
    const response = await fetch(`${server.url}${at}`, {
      method,
      headers: { authorization: `Bearer ${rootKey}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    expect(response.status).toBeLessThan(300)
    return response.json()
  }
  const verify = async (times: number, scope?: string) => {
    for (let left = times; left > 0; left -= 25)
      await Promise.all(
        Array.from({ length: Math.min(25, left) }, () =>
          request('POST', '/v1/verify', { key: key.value, ...(scope && { scopes: [scope] }) }),
        ),
      )
  }
  const counts = async () => {
    const { data } = await request('GET', `/v1/keys/${key.id}/usage`)
    const sum = { VALID: 0, INSUFFICIENT_SCOPE: 0 }
    for (const bucket of data)
      for (const code of ['VALID', 'INSUFFICIENT_SCOPE'] as const) sum[code] += bucket.counts[code] ?? 0
    return sum
  }

  it('are exact after an orderly stop', async () => {
    await verify(200)
    await verify(100, 'admin')
    await server.end('SIGTERM')
    server = await startServer(directory, database.url)
    expect(await counts()).toEqual({ VALID: 200, INSUFFICIENT_SCOPE: 100 })
  })

  it('miss after kill -9 at most what came since the last flush, and never count anything twice', async () => {
    await verify(300)
    const calledAt = performance.now()
    await expect.poll(async () => (await counts()).VALID, { timeout: 20_000, interval: 50 }).toBe(500)
    // One flush, and what a busy machine adds.
    expect(performance.now() - calledAt).toBeLessThan(flushMs + 5_000)
    await verify(40)
    await server.end('SIGKILL')
    server = await startServer(directory, database.url)
    const after = await counts()
    expect(after.INSUFFICIENT_SCOPE).toBe(100)
    expect(after.VALID).toBeGreaterThanOrEqual(500)
    expect(after.VALID).toBeLessThanOrEqual(540)
  })
})
