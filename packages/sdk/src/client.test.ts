import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../server/test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../server/test/support/keyturn.ts'
import { allOperations } from '../../server/test/support/operations.ts'
import { addressOf, type Client, createClient, type Endpoints, eachPage } from './index.ts'

const [engine] = engines
if (!engine) throw new Error('there is no engine to test on')

/** The table of types has nothing at run time: this has its names, and does not compile with one too many or too few. */
const routes = {
  'POST /v1/sign-in': true,
  'POST /v1/sign-in/second-factor': true,
  'POST /v1/set-up': true,
  'POST /v1/invitations/accept': true,
  'POST /v1/password-resets': true,
  'POST /v1/password-resets/complete': true,
  'POST /v1/sign-out': true,
  'GET /v1/me': true,
  'PATCH /v1/me': true,
  'GET /v1/me/sessions': true,
  'DELETE /v1/me/sessions/{session}': true,
  'DELETE /v1/me/memberships/{org}': true,
  'POST /v1/me/password': true,
  'POST /v1/me/two-factor': true,
  'POST /v1/me/two-factor/confirm': true,
  'POST /v1/me/two-factor/disable': true,
  'POST /v1/me/recovery-codes': true,
  'POST /v1/organizations': true,
  'GET /v1/organizations': true,
  'GET /v1/organizations/{org}': true,
  'PATCH /v1/organizations/{org}': true,
  'POST /v1/organizations/{org}/policy/dry-run': true,
  'POST /v1/organizations/{org}/projects': true,
  'GET /v1/organizations/{org}/projects': true,
  'GET /v1/projects/{project}': true,
  'PATCH /v1/projects/{project}': true,
  'POST /v1/projects/{project}/renewals': true,
  'POST /v1/projects/{project}/policy/dry-run': true,
  'POST /v1/projects/{project}/keys': true,
  'GET /v1/projects/{project}/keys': true,
  'GET /v1/organizations/{org}/keys': true,
  'POST /v1/organizations/{org}/import': true,
  'POST /v1/organizations/{org}/import.csv': true,
  'GET /v1/organizations/{org}/management-keys': true,
  'POST /v1/organizations/{org}/management-keys': true,
  'GET /v1/keys/{key}': true,
  'PATCH /v1/keys/{key}': true,
  'DELETE /v1/keys/{key}': true,
  'POST /v1/keys/{key}/extend': true,
  'POST /v1/keys/{key}/rotate': true,
  'POST /v1/keys/{key}/secrets': true,
  'POST /v1/keys/{key}/promote': true,
  'POST /v1/keys/{key}/finish': true,
  'POST /v1/keys/{key}/cancel': true,
  'POST /v1/keys/{key}/disable': true,
  'POST /v1/keys/{key}/enable': true,
  'POST /v1/keys/{key}/review': true,
  'POST /v1/keys/{key}/revoke': true,
  'GET /v1/keys/{key}/rotation': true,
  'GET /v1/keys/{key}/usage': true,
  'POST /v1/keys/{key}/claim-links': true,
  'GET /v1/keys/{key}/claim-links': true,
  'DELETE /v1/keys/{key}/claim-links/{claim_link}': true,
  'GET /v1/keys/self': true,
  'GET /v1/keys/self/renewal-info': true,
  'POST /v1/keys/self/rotate': true,
  'POST /v1/verify': true,
  'GET /v1/organizations/{org}/expirations': true,
  'GET /v1/organizations/{org}/expirations/forecast': true,
  'GET /v1/organizations/{org}/findings': true,
  'POST /v1/organizations/{org}/feed-tokens': true,
  'GET /v1/organizations/{org}/feed-tokens': true,
  'DELETE /v1/organizations/{org}/feed-tokens/{feed_token}': true,
  'POST /v1/organizations/{org}/tracked-credentials': true,
  'GET /v1/organizations/{org}/tracked-credentials': true,
  'GET /v1/organizations/{org}/tracked-credentials/{tracked_credential}': true,
  'PATCH /v1/organizations/{org}/tracked-credentials/{tracked_credential}': true,
  'DELETE /v1/organizations/{org}/tracked-credentials/{tracked_credential}': true,
  'POST /v1/organizations/{org}/tracked-credentials/{tracked_credential}/renew': true,
  'GET /v1/organizations/{org}/reminders': true,
  'POST /v1/reminders/{reminder}/acknowledge': true,
  'GET /v1/keys/{key}/reminders/preview': true,
  'GET /v1/organizations/{org}/outbox': true,
  'GET /v1/organizations/{org}/outbox/{mail}': true,
  'POST /v1/organizations/{org}/outbox/{mail}/retry': true,
  'GET /v1/organizations/{org}/channels': true,
  'POST /v1/organizations/{org}/channels': true,
  'GET /v1/channels/{channel}': true,
  'PATCH /v1/channels/{channel}': true,
  'DELETE /v1/channels/{channel}': true,
  'POST /v1/channels/{channel}/rotate-secret': true,
  'POST /v1/channels/{channel}/test': true,
  'GET /v1/channels/{channel}/deliveries': true,
  'POST /v1/channels/{channel}/deliveries/{delivery}/retry': true,
  'GET /v1/organizations/{org}/audit-events': true,
  'GET /v1/organizations/{org}/audit-events/verification': true,
  'GET /v1/audit-events': true,
  'GET /v1/audit-events/verification': true,
  'GET /v1/organizations/{org}/members': true,
  'GET /v1/organizations/{org}/members/{member}': true,
  'PATCH /v1/organizations/{org}/members/{member}': true,
  'GET /v1/organizations/{org}/members/{member}/leaving': true,
  'POST /v1/organizations/{org}/members/{member}/remove': true,
  'POST /v1/organizations/{org}/members/{member}/password-reset': true,
  'GET /v1/organizations/{org}/invitations': true,
  'POST /v1/organizations/{org}/invitations': true,
  'DELETE /v1/organizations/{org}/invitations/{invitation}': true,
  'POST /v1/organizations/{org}/portal-sessions': true,
  'GET /v1/signing-keys': true,
  'POST /v1/signing-keys/rotate': true,
  'GET /v1/nodes': true,
  'GET /v1/propagations/{sequence}': true,
} satisfies Record<keyof Endpoints, true>

/** What is answered with no JSON is no call, and what is as large as a whole organization neither: files to save, to send, to subscribe to. */
const isFile = (name: string) => /^GET .*\.(csv|jsonl|ics)$|\/export$|\/import\.jsonl$/.test(name)

it('the client has every endpoint of the API, and no other', () => {
  const described = allOperations.map(({ name }) => name).filter((name) => !isFile(name))
  expect(Object.keys(routes).toSorted()).toEqual(described.toSorted())
})

describe('the client, against the real server', () => {
  let keyturn: Keyturn
  let client: Client
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    client = createClient({ baseUrl: keyturn.url, key: keyturn.rootKey })
  })
  afterAll(() => keyturn.stop())

  it('creates a key, reads it, asks about it with its own value, and deletes it', async () => {
    const made = await client.call('POST /v1/projects/{project}/keys', {
      path: { project: 'default' },
      body: { name: 'Zapier, production' },
    })
    if (!made.ok) throw new Error(made.problem.detail)
    expect(made.status).toBe(201)
    const { key, secret } = made.value
    const self = await client.call('GET /v1/keys/self', { key: secret.value ?? '' })
    expect(self).toMatchObject({ ok: true, value: { key: { id: key.id }, organization: { slug: 'default' } } })
    const path = { key: key.id }
    expect(await client.call('DELETE /v1/keys/{key}', { path, body: { confirm: 'DELETE' } })).toEqual({
      ok: true,
      value: undefined,
      status: 204,
    })
    expect(await client.call('GET /v1/keys/{key}', { path })).toMatchObject({ problem: { code: 'key_not_found' } })
  })

  it('says what is wrong as a value: code, words, fields, what would help', async () => {
    const path = { project: 'default' }
    const wrong = await client.call('POST /v1/projects/{project}/keys', { path, body: { name: '' } })
    expect(wrong).toMatchObject({
      ok: false,
      problem: {
        code: 'invalid_request',
        status: 400,
        errors: [{ path: 'name', detail: 'must not be empty' }],
        request_id: expect.stringMatching(/^req_/),
      },
    })
    const { key } = await keyturn.createKey('default')
    await client.call('POST /v1/keys/{key}/rotate', { path: { key: key.id } })
    expect(await client.call('POST /v1/keys/{key}/secrets', { path: { key: key.id } })).toMatchObject({
      problem: { code: 'rotation_in_progress', operations: expect.arrayContaining(['finish']) },
    })
  })

  it('gives the same answer twice under one idempotency key, and makes one key', async () => {
    const path = { project: 'default' }
    const again = { path, body: { name: 'Once' }, idempotencyKey: 'once-and-only-once' }
    const [first, second] = [
      await client.call('POST /v1/projects/{project}/keys', again),
      await client.call('POST /v1/projects/{project}/keys', again),
    ]
    expect(second).toEqual(first)
    const found = await client.call('GET /v1/projects/{project}/keys', { path, query: { q: 'once' } })
    expect(found).toMatchObject({ ok: true, value: { data: [{ name: 'Once' }] } })
  })

  it('sends a CSV as it is, and says of each row that was refused which and why', async () => {
    const send = (body: string) =>
      client.call('POST /v1/organizations/{org}/import.csv', {
        path: { org: 'default' },
        query: { project: 'default' },
        body,
      })
    const refused = await send('name,value\n,acme_4f0c2a8e6b1d9375c0de')
    if (refused.ok) throw new Error('it was imported')
    expect(refused.problem.code).toBe('import_refused')
    expect(refused.problem.facts['rows']).toEqual([{ line: 2, field: 'name', detail: 'is required' }])
    const made = await send('name,value\n"Zapier, production",acme_4f0c2a8e6b1d9375c0de')
    if (!made.ok) throw new Error(made.problem.detail)
    expect(made.value).toMatchObject({ imported: 1, keys: [{ line: 2, name: 'Zapier, production' }] })
  })

  it('reads a list to its end, page by page', async () => {
    const project = await keyturn.createProject('default', { slug: 'pages' })
    for (let made = 0; made < 4; made++) await keyturn.createKey('pages')
    const names = new Set<string>()
    let pages = 0
    for await (const page of eachPage((cursor) =>
      client.call('GET /v1/projects/{project}/keys', { path: { project: project.id }, query: { limit: 2, cursor } }),
    )) {
      if (!page.ok) throw new Error(page.problem.detail)
      pages++
      for (const { name } of page.value.data) names.add(name)
    }
    expect({ names: names.size, pages }).toEqual({ names: 5, pages: 3 })
  })

  it('keeps what stands in a path in its place, whatever it is', async () => {
    expect(addressOf('/v1/keys/{key}', { path: { key: '../me?x=1#y' } })).toBe('/v1/keys/..%2Fme%3Fx%3D1%23y')
    expect(await client.call('GET /v1/keys/{key}', { path: { key: '../me' } })).toMatchObject({
      problem: { code: 'key_not_found' },
    })
    expect(addressOf('/v1/x', { query: { q: 'a&b=c', cursor: undefined } })).toBe('/v1/x?q=a%26b%3Dc')
  })
})

describe('the client, where there is no answer of Keyturn', () => {
  let server: Server
  let baseUrl: string
  let answer = { status: 200, body: '' }
  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(answer.status).end(answer.body))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  it.each([
    [200, '<html>Please sign in to this network</html>'],
    [502, 'Bad Gateway'],
    [500, '{"code": "from_somebody_else"}'],
    [404, '[]'],
    [400, 'null'],
  ])('takes %d %s for no answer of it', async (status, body) => {
    answer = { status, body }
    const result = await createClient({ baseUrl }).call('GET /v1/me')
    expect(result).toMatchObject({ ok: false, problem: { code: 'not_keyturn', status } })
  })

  it('says that nothing is there, and that a call was given up', async () => {
    const nowhere = createClient({ baseUrl: 'http://127.0.0.1:1' })
    expect(await nowhere.call('GET /v1/me')).toMatchObject({ problem: { code: 'unreachable', status: null } })
    const signal = AbortSignal.abort()
    expect(await createClient({ baseUrl }).call('GET /v1/me', { signal })).toMatchObject({
      problem: { code: 'aborted' },
    })
  })
})
