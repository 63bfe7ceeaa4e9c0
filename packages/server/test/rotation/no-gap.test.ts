import type { Key, Secret } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { engines } from '../support/engines.ts'
import { openKeyturn } from '../support/keyturn.ts'
import { createMovableDatabase } from '../support/movable-database.ts'
import { startNodes, until } from '../support/nodes.ts'
import { type Ask, RestlessClient } from '../support/restless-client.ts'

const day = 86_400_000
const withinMs = 1_000

/** One Keyturn, on one node or on several. */
interface Installation {
  readonly nodes: readonly Ask[]
  request(method: string, path: string, body?: object): Promise<{ status: number; body: any }>
  /** Moves the time of all nodes at once. */
  advance(milliseconds: number): void | Promise<void>
  stop(): Promise<void>
}

const [pglite] = engines

async function openOneNode(): Promise<Installation> {
  if (!pglite) throw new Error('there is no engine')
  const keyturn = await openKeyturn(pglite)
  return {
    nodes: [async (value) => (await keyturn.verify(value)).code ?? 'none'],
    request: (method, path, body) => keyturn.request(method, path, { ...(body && { body }) }),
    advance: (milliseconds) => keyturn.clock.advance(milliseconds),
    stop: () => keyturn.stop(),
  }
}

async function openTwoNodes(): Promise<Installation> {
  const database = await createMovableDatabase()
  const { nodes, stop } = await startNodes({ databaseUrl: database.url })
  const [acting] = nodes
  if (!acting) throw new Error('there is no node')
  return {
    nodes: nodes.map((node) => (value) => node.verdict(value)),
    request: (method, path, body) => acting.request(method, path, body),
    advance: database.advance,
    stop: async () => {
      await stop()
      await database.drop()
    },
  }
}

describe.each([
  ['PGlite', openOneNode],
  ['PostgreSQL with two nodes', openTwoNodes],
] as const)('a client that calls without pause is never refused, on %s', (_, open) => {
  let installation: Installation
  beforeAll(async () => {
    installation = await open()
  })
  afterAll(() => installation?.stop())

  async function act(key: Pick<Key, 'id'>, path: string, body: object = {}): Promise<{ key: Key; secret: Secret }> {
    const { status, body: answer } = await installation.request('POST', `/v1/keys/${key.id}/${path}`, body)
    expect(status, JSON.stringify(answer)).toBeLessThan(300)
    return answer
  }

  async function makeKey(fields: object = {}) {
    const path = '/v1/projects/default/keys'
    const { status, body } = await installation.request('POST', path, { name: 'Orders, nightly', ...fields })
    expect(status).toBe(201)
    return { key: body.key as Key, value: String(body.secret.value) }
  }

  function start(value: string): RestlessClient {
    const client = new RestlessClient(installation.nodes, value)
    onTestFinished(() => client.stop())
    return client
  }

  /** Somebody who goes on with a value that is to end. */
  async function startStraggler(value: string): Promise<RestlessClient> {
    const straggler = start(value)
    await until(() => straggler.hearsEverywhere('VALID'))
    return straggler
  }

  /**
   * Refused on every node within a second of its end, and never before.
   *
   * @param end by the wall clock: when it may have been at the earliest, and at the latest
   */
  async function expectEnd(straggler: RestlessClient, code: string, [earliest, latest]: readonly [number, number]) {
    await until(() => straggler.hearsEverywhere(code), latest - Date.now() + 5 * withinMs)
    await straggler.stop()
    const { asked } = straggler
    expect(new Set(asked.map((one) => one.code))).toEqual(new Set(['VALID', code]))
    expect(asked.filter((one) => one.code === code && one.answeredAt < earliest)).toEqual([])
    expect(asked.filter((one) => one.code === 'VALID' && one.sentAt > latest + withinMs)).toEqual([])
  }

  /** @returns between which times it happened */
  async function during(work: () => Promise<unknown>): Promise<readonly [number, number]> {
    const begunAt = Date.now()
    await work()
    return [begunAt, Date.now()]
  }

  async function expectNoRefusal(client: RestlessClient): Promise<void> {
    await client.stop()
    expect(client.asked.length).toBeGreaterThan(20)
    expect(client.refusals()).toEqual([])
  }

  it('through rotate and finish', async () => {
    const { key, value } = await makeKey()
    const client = start(value)
    const { secret } = await act(key, 'rotate', { overlap: 3600 })
    const straggler = await startStraggler(value)
    await client.moveTo(String(secret.value))
    const finished = await during(() => act(key, 'finish', { force: true }))
    await expectEnd(straggler, 'ROTATED', finished)
    await expectNoRefusal(client)
  })

  it('through rotate and the end of the overlap', async () => {
    const { key, value } = await makeKey()
    const client = start(value)
    const { key: rotated, secret } = await act(key, 'rotate', { overlap: 3 })
    const end = Date.parse(rotated.secrets.find(({ slot }) => slot === 'secondary')?.retires_at ?? '')
    const straggler = await startStraggler(value)
    await client.moveTo(String(secret.value))
    await expectEnd(straggler, 'ROTATED', [end, end])
    await expectNoRefusal(client)
  })

  it('through stage and promote', async () => {
    const { key, value } = await makeKey()
    const client = start(value)
    const { secret } = await act(key, 'secrets')
    const straggler = await startStraggler(value)
    await client.moveTo(String(secret.value))
    const promoted = await during(() => act(key, 'promote', { overlap: 0 }))
    await expectEnd(straggler, 'ROTATED', promoted)
    await expectNoRefusal(client)
  })

  it('through two years of alternating secrets', async () => {
    const life = 90 * 86_400
    const { key, value } = await makeKey({ expires_in: life })
    const client = start(value)
    let [old, elapsed] = [value, 0]
    const pass = async (days: number) => {
      elapsed += days
      await installation.advance(days * day)
    }
    await pass(60)
    while (elapsed < 730) {
      const { secret } = await act(key, 'secrets', { expires_in: life })
      await pass(15)
      await client.moveTo(String(secret.value))
      const straggler = await startStraggler(old)
      const ended = await during(() => pass(15))
      await expectEnd(straggler, 'EXPIRED', ended)
      const { body } = await installation.request('GET', `/v1/keys/${key.id}`)
      expect(body.secrets.find(({ id }: Secret) => id === secret.id)).toMatchObject({ slot: 'primary', status: 'live' })
      old = String(secret.value)
      await pass(30)
    }
    await expectNoRefusal(client)
  })
})
