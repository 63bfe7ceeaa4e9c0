import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { Key, Secret } from '@keyturn/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mintValue } from '../../src/keys/format.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { hasNginx, type Nginx, startNginx } from './nginx-server.ts'

const present = hasNginx()
type Made = { key: Key; secret: Secret & { value: string } }

/** What reached the product, if anything did. */
interface Passed {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

describe.each(engines)('a product behind nginx, on $name', (engine) => {
  let keyturn: Keyturn
  let nginx: Nginx
  let good: Made
  let passed: Passed[] = []
  const product = createServer((asked, answer) => {
    let body = ''
    asked.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    asked.on('end', () => {
      passed.push({ method: asked.method ?? '', url: asked.url ?? '', headers: asked.headers, body })
      answer.end('from the product')
    })
  })

  beforeAll(async () => {
    if (!present) return
    keyturn = await openKeyturn(engine, { KEYTURN_TRUSTED_PROXIES: '127.0.0.1' })
    product.listen(0, '127.0.0.1')
    await once(product, 'listening')
    const bound = product.address()
    if (typeof bound !== 'object' || bound === null) throw new Error('no port')
    const { secret } = await keyturn.createManagementKey('default', { scopes: ['verify'] })
    const places = { keyturn: new URL(keyturn.url).host, product: `127.0.0.1:${bound.port}` }
    nginx = await startNginx({ ...places, managementKey: secret.value })
    good = await keyturn.createKey('default', { owner: 'ada@example.com', scopes: ['read'] })
  })
  afterAll(async () => {
    if (!present) return
    await nginx.stop()
    product.closeAllConnections()
    product.close()
    await keyturn.stop()
  })
  beforeEach(({ skip }) => {
    if (!present) skip('nginx is not on this machine: `apt-get install nginx-light`')
    passed = []
  })

  const call = (headers: Record<string, string | string[]>, method = 'GET', body = '') =>
    new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const asking = request(`${nginx.url}/orders?id=7`, { method, headers, agent: false }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      })
      asking.on('error', reject)
      asking.end(body)
    })
  const refusal = async (headers: Record<string, string | string[]>) => {
    const answer = await call(headers)
    expect(passed).toEqual([])
    return [answer.status, answer.headers['x-keyturn-code'], answer.text]
  }
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` })
  const change = async (method: string, path: string, body: object = {}) =>
    expect((await keyturn.request(method, path, { body })).status).toBe(200)

  it('gets what has a good key, with whose it is, and without what the caller made up', async () => {
    const answer = await call(
      {
        ...bearer(good.secret.value),
        'X-Keyturn-Key-Id': 'key_of_somebody_else',
        'X-KEYTURN-Key-Scopes': 'admin',
        'X-Keyturn-Hint': 'made up',
        'X-Keyturn-Management-Key': keyturn.rootKey,
        X_Keyturn_Key_Id: 'key_of_somebody_else',
      },
      'POST',
      'three apples',
    )
    expect([answer.status, answer.text]).toEqual([200, 'from the product'])
    const [one] = passed
    expect(one).toMatchObject({ method: 'POST', url: '/orders?id=7', body: 'three apples' })
    const told = Object.entries(one?.headers ?? {}).filter(([name]) => /keyturn|authorization|api-key/.test(name))
    expect(Object.fromEntries(told)).toEqual({
      'x-keyturn-code': 'VALID',
      'x-keyturn-key-id': good.key.id,
      'x-keyturn-key-name': good.key.name,
      'x-keyturn-key-kind': 'secret',
      'x-keyturn-key-environment': 'live',
      'x-keyturn-key-owner': 'ada@example.com',
      'x-keyturn-key-scopes': 'read',
      'x-keyturn-key-expires-at': good.key.expires_at,
      'x-keyturn-organization-id': good.key.organization_id,
      'x-keyturn-project-id': good.key.project_id,
      'x-keyturn-secret-id': good.secret.id,
      'x-keyturn-secret-slot': 'primary',
    })
    expect((await call({ 'X-Api-Key': good.secret.value })).status).toBe(200)
  })

  it('gets nothing that has none, with the code of each refusal', async () => {
    const made = await keyturn.createKey('default')
    const of = (code: string, status: number) => [status, code, `{"code": "${code}"}`]
    expect(await refusal({})).toEqual(of('MALFORMED', 401))
    expect(await refusal({ ...bearer(good.secret.value), 'X-Api-Key': made.secret.value })).toEqual(
      of('MALFORMED', 401),
    )
    expect(await refusal(bearer(mintValue('kt_live_').reveal()))).toEqual(of('NOT_FOUND', 401))
    expect((await call(bearer(made.secret.value))).status).toBe(200)
    passed = []
    await change('POST', `/v1/keys/${made.key.id}/disable`)
    expect(await refusal(bearer(made.secret.value))).toEqual(of('DISABLED', 401))
    await change('POST', `/v1/keys/${made.key.id}/revoke`, { wait: 'propagated' })
    expect(await refusal(bearer(made.secret.value))).toEqual(of('REVOKED', 401))
    const { id } = await keyturn.createProject('default')
    const elsewhere = await keyturn.createKey(id)
    expect(await refusal(bearer(elsewhere.secret.value))).toEqual(of('WRONG_PROJECT', 403))
    const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
    expect(await refusal(bearer(body.data[0].secrets[0].value))).toEqual(of('WRONG_KIND', 403))
    const bound = await keyturn.createKey('default', { allowed_ips: ['203.0.113.7'] })
    const spoofed = { ...bearer(bound.secret.value), 'X-Forwarded-For': '203.0.113.7' }
    expect(await refusal(spoofed)).toEqual(of('IP_NOT_ALLOWED', 403))
    const soon = await keyturn.createKey('default', { expires_in: 3600 })
    keyturn.clock.advance(3_600_000)
    expect(await refusal(bearer(soon.secret.value))).toEqual(of('EXPIRED', 401))
    await change('PATCH', '/v1/projects/default', { api_access: false })
    expect(await refusal(bearer(good.secret.value))).toEqual(of('API_ACCESS_DISABLED', 403))
    await change('PATCH', '/v1/projects/default', { api_access: true })
    expect((await call(bearer(good.secret.value))).status).toBe(200)
  })

  it('has its caller told what is left of the key’s limits, and gets no more calls than they allow', async () => {
    const { secret } = await keyturn.createKey('default', {
      rate_limit: { windows: [{ limit: 1, window_seconds: 60 }] },
    })
    const { headers } = await call(bearer(secret.value))
    expect(headers).toMatchObject({ ratelimit: expect.stringMatching(/^"60s";r=0;t=(60|59)$/) })
    expect(headers).toMatchObject({ 'ratelimit-policy': '"60s";q=1;w=60' })
    expect(passed[0]?.headers).toMatchObject({ 'x-keyturn-ratelimit': headers['ratelimit'] })
    passed = []
    expect(await refusal(bearer(secret.value))).toEqual([429, 'RATE_LIMITED', '{"code": "RATE_LIMITED"}'])
    expect(Number((await call(bearer(secret.value))).headers['retry-after'])).toBeGreaterThan(50)
    expect((await call(bearer(good.secret.value))).headers).not.toHaveProperty('ratelimit')
  })

  it('sees the address of the caller where a key is bound to it', async () => {
    const local = await keyturn.createKey('default', { allowed_ips: ['127.0.0.0/8'] })
    expect((await call(bearer(local.secret.value))).status).toBe(200)
  })

  it('gets nothing where nginx’s own key is no good, nor where it cannot ask', async () => {
    const { key, secret } = await keyturn.createManagementKey('default', { scopes: ['verify'] })
    const places = { keyturn: new URL(keyturn.url).host, product: '127.0.0.1:1' }
    const other = await startNginx({ ...places, managementKey: secret.value })
    await change('POST', `/v1/keys/${key.id}/revoke`)
    const unauthorized = await fetch(`${other.url}/orders`, { headers: bearer(good.secret.value) })
    expect([unauthorized.status, await unauthorized.text()]).toEqual([503, '{"code": "invalid_token"}'])
    await other.stop()

    const down = await startNginx({ keyturn: '127.0.0.1:1', product: '127.0.0.1:1', managementKey: secret.value })
    const unasked = await fetch(`${down.url}/orders`, { headers: bearer(good.secret.value) })
    expect([unasked.status, await unasked.text()]).toEqual([503, '{"code": ""}'])
    await down.stop()
  })

  it('gets nothing once its node is down', async () => {
    expect((await call(bearer(good.secret.value))).status).toBe(200)
    passed = []
    const node = await openKeyturn(engine)
    const { secret } = await node.createManagementKey('default', { scopes: ['verify'] })
    const { secret: own } = await node.createKey('default')
    const bound = product.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0
    const front = await startNginx({
      keyturn: new URL(node.url).host,
      product: `127.0.0.1:${port}`,
      managementKey: secret.value,
    })
    expect((await fetch(front.url, { headers: bearer(own.value) })).status).toBe(200)
    expect(passed).toHaveLength(1)
    await node.stop()
    expect((await fetch(front.url, { headers: bearer(own.value) })).status).toBe(503)
    expect(passed).toHaveLength(1)
    await front.stop()
  })
})
