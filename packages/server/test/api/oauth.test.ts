import type { Key, Secret } from '@keyturn/contract'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintValue } from '../../src/keys/format.ts'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { expectNothingChanged } from '../support/samples.ts'

type Made = { key: Key; secret: Secret & { value: string } }
const nobodys = () => mintValue('kt_live_').reveal()
const insecure = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: 'the product: “API”, 100%' }

describe.each(anEngine('PGlite'))('software that knows OAuth and not us, on $name', (engine) => {
  let keyturn: Keyturn
  let server: oauth.AuthorizationServer
  let managementKey: string

  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_PUBLIC_URL: 'https://keys.example.com' })
    server = {
      issuer: 'https://keys.example.com',
      introspection_endpoint: `${keyturn.url}/oauth/introspect`,
      revocation_endpoint: `${keyturn.url}/oauth/revoke`,
    }
    managementKey = (await keyturn.createManagementKey('default', { scopes: ['verify'] })).secret.value
  })
  afterAll(() => keyturn.stop())

  const post = (path: string, form: string | Record<string, string>, headers: Record<string, string> = {}) =>
    keyturn.request('POST', path, {
      key: null,
      raw: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
  const introspectRaw = (form: string | Record<string, string>, headers: Record<string, string> = {}) =>
    post('/oauth/introspect', form, { authorization: `Bearer ${managementKey}`, ...headers })

  async function introspect(value: string, authentication = oauth.ClientSecretBasic(managementKey)) {
    const response = await oauth.introspectionRequest(server, client, authentication, value, insecure)
    expect(response.headers.get('cache-control')).toBe('no-store')
    return oauth.processIntrospectionResponse(server, client, response)
  }
  async function revoke(value: string, authentication = oauth.None()) {
    const response = await oauth.revocationRequest(server, client, authentication, value, insecure)
    return oauth.processRevocationResponse(response)
  }
  const fullOf = ({ key, secret }: Made) => ({
    active: true,
    scope: 'read write',
    client_id: key.id,
    username: 'ada@example.com',
    token_type: 'Bearer',
    exp: Math.floor(Date.parse(key.expires_at ?? '') / 1000),
    sub: key.id,
    aud: key.project_id,
    iss: 'https://keys.example.com',
    jti: secret.id,
  })
  const makeKey = (fields?: object): Promise<Made> =>
    keyturn.createKey('default', { scopes: ['read', 'write'], owner: 'ada@example.com', ...fields })

  describe('introspection (RFC 7662)', () => {
    const ways: [string, (key: string) => oauth.ClientAuth][] = [
      ['client_secret_basic', oauth.ClientSecretBasic],
      ['client_secret_post', oauth.ClientSecretPost],
      ['a bearer', (key) => (_as, _client, _body, headers) => headers.set('authorization', `Bearer ${key}`)],
    ]
    it.each(ways)('says of a good key whose it is, to a caller that authenticates by %s', async (_, way) => {
      const made = await makeKey()
      expect(await introspect(made.secret.value, way(managementKey))).toEqual(fullOf(made))
      expect(await introspect(made.secret.value, way(keyturn.rootKey))).toEqual(fullOf(made))
    })

    it.each(ways)('takes no key that is unknown, ended or a product’s for a caller’s, by %s', async (_, way) => {
      const made = await makeKey()
      const ended = await keyturn.createManagementKey('default', { scopes: ['verify'] })
      await keyturn.request('POST', `/v1/keys/${ended.key.id}/revoke`, { body: {} })
      for (const key of [nobodys(), made.secret.value, ended.secret.value]) {
        const asked = oauth.introspectionRequest(server, client, way(key), made.secret.value, insecure)
        const response = await asked
        expect(response.status).toBe(401)
        expect(response.headers.get('www-authenticate')).toBe('Bearer realm="keyturn", Basic realm="keyturn"')
        expect(await response.json()).toMatchObject({ error: 'invalid_client' })
      }
    })

    it('leaves out what there is not: owner, end', async () => {
      await keyturn.request('PATCH', '/v1/organizations/default', { body: { policy: { allow_never_expires: true } } })
      const bare = await keyturn.createKey('default', { never_expires: true })
      expect(Object.keys(await introspect(bare.secret.value)).sort()).toEqual([
        'active',
        'aud',
        'client_id',
        'iss',
        'jti',
        'scope',
        'sub',
        'token_type',
      ])
    })

    it('says nothing but that it is not active of anything else', async () => {
      const disabled = await makeKey()
      await keyturn.request('POST', `/v1/keys/${disabled.key.id}/disable`, { body: {} })
      const bound = await makeKey({ allowed_ips: ['127.0.0.1'] })
      const foreign = await keyturn.createKey((await keyturn.createProject((await keyturn.createOrganization()).id)).id)
      const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
      const expiring = await makeKey({ expires_in: 3600 })
      expect(await introspect(expiring.secret.value)).toMatchObject({ active: true })
      keyturn.clock.advance(3_600_000)
      const values = [
        nobodys(),
        'x',
        'ünïcode 日本 😀',
        'x'.repeat(20_000),
        managementKey,
        keyturn.rootKey,
        body.data[0].secrets[0].value,
        ...[disabled, bound, foreign, expiring].map((made) => made.secret.value),
      ]
      for (const value of values) {
        const answer = await introspectRaw({ token: value, token_type_hint: 'refresh_token', more: 'x' })
        expect([answer.status, answer.text]).toEqual([200, '{"active":false}'])
      }
    })

    const errors: [string, () => Promise<Answer>, number, string][] = [
      ['no token', () => introspectRaw({}), 400, 'invalid_request'],
      ['an empty token', () => introspectRaw('token='), 400, 'invalid_request'],
      ['two tokens', () => introspectRaw('token=a&token=b'), 400, 'invalid_request'],
      ['two hints', () => introspectRaw('token=a&token_type_hint=b&token_type_hint=b'), 400, 'invalid_request'],
      ['JSON', () => introspectRaw('token=a', { 'content-type': 'application/json' }), 400, 'invalid_request'],
      ['no type', () => introspectRaw('token=a', { 'content-type': '' }), 400, 'invalid_request'],
      ['two ways at once', () => introspectRaw({ token: 'a', client_secret: managementKey }), 400, 'invalid_request'],
      ['no credential', () => post('/oauth/introspect', { token: 'a' }), 401, 'invalid_client'],
      [
        'another scheme',
        () => introspectRaw('token=a', { authorization: `Digest ${managementKey}` }),
        401,
        'invalid_client',
      ],
      [
        'two in one',
        () => introspectRaw('token=a', { authorization: `Bearer ${managementKey}, x` }),
        401,
        'invalid_client',
      ],
      [
        'Basic without a colon',
        () => introspectRaw('token=a', { authorization: `Basic ${btoa(managementKey)}` }),
        401,
        'invalid_client',
      ],
      [
        'Basic badly encoded',
        () => introspectRaw('token=a', { authorization: `Basic ${btoa('a:%E0%A4%A')}` }),
        401,
        'invalid_client',
      ],
      ['Basic that is none', () => introspectRaw('token=a', { authorization: 'Basic %%%' }), 401, 'invalid_client'],
      ['an empty secret', () => post('/oauth/introspect', 'token=a&client_secret='), 401, 'invalid_client'],
    ]
    it.each(errors)('refuses %s by the RFC', async (_, send, status, error) => {
      const answer = await send()
      expect([answer.status, answer.body.error]).toEqual([status, error])
      expect(answer.body.error_description).toMatch(/^[A-Za-z].+\.$/)
      expect(answer.headers.has('www-authenticate')).toBe(status === 401)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    })

    it('refuses a management key that may not verify', async () => {
      const { secret } = await keyturn.createManagementKey('default', { scopes: ['keys:read'] })
      const answer = await introspectRaw({ token: 'a' }, { authorization: `Bearer ${secret.value}` })
      expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope'])
    })
  })

  describe('revocation (RFC 7009)', () => {
    it('ends the key of whoever holds it, at once, on record', async () => {
      const made = await makeKey()
      expect(await introspect(made.secret.value)).toMatchObject({ active: true })
      await revoke(made.secret.value)
      expect(await introspect(made.secret.value)).toEqual({ active: false })
      expect((await keyturn.verify(made.secret.value)).code).toBe('REVOKED')
      const { body } = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${made.key.id}`)
      expect(body.data[0]).toMatchObject({ action: 'key.revoked', actor: { type: 'key_holder', id: made.key.id } })
      await expectNothingChanged(keyturn, async () => revoke(made.secret.value))
    })

    it('works with any client authentication, as the token is what entitles', async () => {
      for (const way of [oauth.None(), oauth.ClientSecretBasic(managementKey), oauth.ClientSecretPost(managementKey)]) {
        const made = await makeKey()
        await revoke(made.secret.value, way)
        expect((await keyturn.verify(made.secret.value)).code).toBe('REVOKED')
      }
    })

    it('ends a disabled key, one of a project without API access, and a management key too', async () => {
      const disabled = await makeKey()
      await keyturn.request('POST', `/v1/keys/${disabled.key.id}/disable`, { body: {} })
      const project = await keyturn.createProject('default')
      const switchedOff = await keyturn.createKey(project.id)
      await keyturn.request('PATCH', `/v1/projects/${project.id}`, { body: { api_access: false } })
      const management = await keyturn.createManagementKey('default', { scopes: ['keys:read'] })
      for (const { key, secret } of [disabled, switchedOff, management]) {
        await revoke(secret.value)
        expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.status).toBe('revoked')
      }
    })

    it('of a value that does not work is a success, and changes nothing', async () => {
      const expired = await makeKey({ expires_in: 3600 })
      keyturn.clock.advance(3_600_000)
      await expectNothingChanged(keyturn, async () => {
        for (const value of [nobodys(), 'x', '"', 'x'.repeat(20_000), keyturn.rootKey, expired.secret.value])
          expect(await revoke(value)).toBeUndefined()
      })
      expect((await keyturn.request('GET', `/v1/keys/${expired.key.id}`)).body.status).toBe('expired')
    })

    it('of a publishable value is refused: everybody holds it', async () => {
      const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
      await expectNothingChanged(keyturn, async () => {
        const answer = await post('/oauth/revoke', { token: body.data[0].secrets[0].value })
        expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_token_type'])
      })
    })

    const wrong: [string, string, Record<string, string>][] = [
      ['no token', '', {}],
      ['an empty token', 'token=', {}],
      ['two tokens', 'token=a&token=b', {}],
      ['JSON', 'token=a', { 'content-type': 'application/json' }],
    ]
    it.each(wrong)('refuses %s by the RFC', async (_, form, headers) => {
      const answer = await post('/oauth/revoke', form, headers)
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    })
  })

  it.each(['/oauth/introspect', '/oauth/revoke'])('%s takes POST alone, and no body past the limit', async (path) => {
    const got = await keyturn.request('GET', `${path}?token=a`)
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    const large = await post(path, { token: 'x'.repeat(300_000) }, { authorization: `Bearer ${managementKey}` })
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large'])
  })

  it('no value that came is in the log', async () => {
    const made = await makeKey()
    await introspect(made.secret.value)
    await revoke(made.secret.value)
    expect(keyturn.log.join('')).not.toContain(made.secret.value)
    expect(keyturn.log.join('')).not.toContain(managementKey)
  })
})
