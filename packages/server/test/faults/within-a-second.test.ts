import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NodeProcess, type Nodes, startNodes, until } from '../support/nodes.ts'

let running: Nodes
let acting: NodeProcess

beforeAll(async () => {
  running = await startNodes({ count: 3, maxStaleness: 60 })
  const [first] = running.nodes
  if (first) acting = first
})
afterAll(() => running?.stop())

const withinMs = 1_000

/** On every node, counted from the answer to the change. */
async function expectSoon(holds: (node: NodeProcess) => Promise<boolean>): Promise<void> {
  await Promise.all(running.nodes.map((node) => until(() => holds(node), withinMs, 'what was changed')))
}

async function act(method: string, path: string, body: unknown = {}): Promise<void> {
  const answer = await acting.request(method, path, body)
  expect([200, 201, 204], JSON.stringify(answer.body)).toContain(answer.status)
}

/** A key that every node has in memory. */
async function createWarm(fields: object = {}) {
  const made = await running.createKey(fields)
  for (const node of running.nodes) await node.verdict(made.secret.value)
  return { id: made.key.id, value: made.secret.value }
}

describe('every change is seen on every node within a second, in both directions', () => {
  const expectVerdict = (value: string, code: string, demand?: object) =>
    expectSoon(async (node) => (await node.verdict(value, demand)) === code)

  test('keys that are imported while verdicts are asked for, of values that were tried before', async () => {
    const warm = await createWarm()
    const values = Array.from({ length: 1_000 }, () => `acme_${randomBytes(18).toString('hex')}`)
    const tried = values.filter((_value, place) => place % 100 === 0)
    for (const node of running.nodes)
      for (const value of tried)
        for (let turn = 0; turn < 3; turn++) expect(await node.verdict(value)).toBe('NOT_FOUND')
    let imported = false
    const load = running.nodes.map(async (node) => {
      while (!imported) expect(await node.verdict(warm.value)).toBe('VALID')
    })
    await act('PATCH', '/v1/organizations/default', { policy: { max_active_keys: 10_000 } })
    const keys = values.map((value, place) => ({ value, name: `Integration ${place}` }))
    await act('POST', '/v1/organizations/default/import', { project: 'default', keys })
    await expectSoon(async (node) => {
      const verdicts = await Promise.all(tried.map((value) => node.verdict(value)))
      return verdicts.every((verdict) => verdict === 'VALID')
    })
    imported = true
    await Promise.all(load)
  })

  test('a new key', async () => {
    const { secret } = await running.createKey()
    await expectVerdict(secret.value, 'VALID')
  })

  test('disabled, enabled, revoked, deleted', async () => {
    const { id, value } = await createWarm()
    await act('POST', `/v1/keys/${id}/disable`)
    await expectVerdict(value, 'DISABLED')
    await act('POST', `/v1/keys/${id}/enable`)
    await expectVerdict(value, 'VALID')
    await act('POST', `/v1/keys/${id}/revoke`)
    await expectVerdict(value, 'REVOKED')
    await act('DELETE', `/v1/keys/${id}`, { confirm: 'DELETE' })
    await expectVerdict(value, 'NOT_FOUND')
  })

  test('scopes and addresses, given and taken', async () => {
    const { id, value } = await createWarm({ scopes: ['read'] })
    const demand = { scopes: ['write'], ip: '203.0.113.7' }
    await expectVerdict(value, 'INSUFFICIENT_SCOPE', demand)
    await act('PATCH', `/v1/keys/${id}`, { scopes: ['read', 'write'] })
    await expectVerdict(value, 'VALID', demand)
    await act('PATCH', `/v1/keys/${id}`, { allowed_ips: ['198.51.100.0/24'] })
    await expectVerdict(value, 'IP_NOT_ALLOWED', demand)
    await act('PATCH', `/v1/keys/${id}`, { allowed_ips: [], scopes: [] })
    await expectVerdict(value, 'INSUFFICIENT_SCOPE', demand)
  })

  test('a later end', async () => {
    const { id, value } = await createWarm({ expires_in: 60 })
    const before = (await acting.verify(value)).expires_at
    await act('POST', `/v1/keys/${id}/extend`, { expires_in: 3_600 })
    await expectSoon(async (node) => (await node.verify(value)).expires_at > before)
  })

  test('what a verdict says of a key: name, owner, metadata', async () => {
    const { id, value } = await createWarm()
    const fields = { name: 'Nightly export', owner: 'owner@example.com', metadata: { tier: 'gold' } }
    await act('PATCH', `/v1/keys/${id}`, fields)
    await expectSoon(async (node) => {
      const { key } = await node.verify(value)
      return key.name === fields.name && key.owner === fields.owner && key.metadata.tier === 'gold'
    })
  })

  test.each(['/v1/projects/default', '/v1/organizations/default'])('API access of %s, off and on', async (path) => {
    const { value } = await createWarm()
    await act('PATCH', path, { api_access: false })
    await expectVerdict(value, 'API_ACCESS_DISABLED')
    await act('PATCH', path, { api_access: true })
    await expectVerdict(value, 'VALID')
  })

  test('the end of a management key that asks for verdicts', async () => {
    const { value } = await createWarm()
    const made = await acting.request('POST', '/v1/organizations/default/management-keys', {
      name: 'Gateway of the shop',
      scopes: ['verify'],
    })
    const ask = async (node: NodeProcess) => {
      const response = await fetch(`${node.url}/v1/verify`, {
        method: 'POST',
        headers: { authorization: `Bearer ${made.body.secret.value}`, 'content-type': 'application/json' },
        body: JSON.stringify({ key: value }),
      })
      await response.text()
      return response.status
    }
    for (const node of running.nodes) for (let turn = 0; turn < 2; turn++) expect(await ask(node)).toBe(200)
    await act('POST', `/v1/keys/${made.body.key.id}/revoke`)
    await expectSoon(async (node) => (await ask(node)) === 401)
  })
})
