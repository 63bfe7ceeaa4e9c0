import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { openPostgres } from '../../src/storage/database.ts'
import { createPostgresDatabase } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

/** How long a transaction of Keyturn waits for a lock, and how long one may be silent (design, section 6). */
const lockTimeoutMs = 5_000
const atOnceMs = 2_000

describe('a client that goes silent in the midst of a transaction', () => {
  let keyturn: Keyturn
  let databaseUrl: string
  let drop: () => Promise<void>
  const silent: pg.Client[] = []

  beforeAll(async () => {
    const database = await createPostgresDatabase()
    databaseUrl = database.url
    drop = database.drop
    keyturn = await openKeyturn({
      name: 'PostgreSQL',
      open: async (clock = systemClock) => openPostgres(databaseUrl, clock, () => {}),
    })
  })
  afterEach(async () => {
    for (const client of silent.splice(0)) await client.end()
  })
  afterAll(async () => {
    await keyturn.stop()
    await drop()
  })

  async function holdSilently(table: string, id: string, settings = ''): Promise<pg.Client> {
    const client = new pg.Client(databaseUrl)
    client.on('error', () => {})
    await client.connect()
    silent.push(client)
    await client.query(`begin; ${settings}`)
    await client.query(`select from ${table} where id = $1 for update`, [id])
    return client
  }
  async function timed<T>(work: Promise<T>): Promise<{ result: T; milliseconds: number }> {
    const startedAt = performance.now()
    const result = await work
    return { result, milliseconds: performance.now() - startedAt }
  }
  const act = (id: string, action: string) => keyturn.request('POST', `/v1/keys/${id}/${action}`)

  it('stops a change of that very key for no longer than the lock time-out, and no other at all', async () => {
    const [held, other] = [await keyturn.createKey('default'), await keyturn.createKey('default')]
    await holdSilently('keys', held.key.id)
    const waiting = timed(act(held.key.id, 'disable'))

    const others = await timed(
      Promise.all([
        act(other.key.id, 'disable'),
        keyturn.createKey('default'),
        keyturn.verify(held.secret.value),
        keyturn.request('GET', '/v1/projects/default/keys'),
        keyturn.request('PATCH', '/v1/organizations/default', { body: { name: 'Renamed meanwhile' } }),
      ]),
    )
    const [disabled, , verdict, list, renamed] = others.result
    expect([disabled.status, verdict.code, list.status, renamed.status]).toEqual([200, 'VALID', 200, 200])
    expect(others.milliseconds).toBeLessThan(atOnceMs)

    const { result, milliseconds } = await waiting
    expect([result.status, result.body.code]).toEqual([503, 'database_unavailable'])
    expect(result.headers.get('retry-after')).toBe('1')
    expect(milliseconds).toBeLessThan(lockTimeoutMs + atOnceMs)
    expect((await keyturn.verify(held.secret.value)).code).toBe('VALID')
    await silent.pop()?.end()
    expect((await act(held.key.id, 'disable')).status).toBe(200)
  })

  it('in a transaction as Keyturn’s own are loses it after 5 s: whoever asks then is let through', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const own = `set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '5s'`
    const client = await holdSilently('keys', key.id, own)
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
    const { milliseconds } = await timed(ended)
    expect(milliseconds).toBeLessThan(lockTimeoutMs + atOnceMs)
    expect((await act(key.id, 'revoke')).status).toBe(200)
    expect((await keyturn.verify(secret.value)).code).toBe('REVOKED')
  })

  it('with the row of a project stops the creates in it, and no change of its keys nor of other projects', async () => {
    const project = await keyturn.createProject('default')
    const { key } = await keyturn.createKey(project.id)
    await holdSilently('projects', project.id)
    const waiting = timed(keyturn.request('POST', `/v1/projects/${project.id}/keys`, { body: { name: 'Waits' } }))
    const others = await timed(Promise.all([act(key.id, 'disable'), keyturn.createKey('default')]))
    expect([others.result[0].status, others.result[1].key.status]).toEqual([200, 'active'])
    expect(others.milliseconds).toBeLessThan(atOnceMs)
    const { result, milliseconds } = await waiting
    expect(result.body.code).toBe('database_unavailable')
    expect(milliseconds).toBeLessThan(lockTimeoutMs + atOnceMs)
  })
})
