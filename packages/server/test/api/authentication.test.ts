import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type ManagementScope, managementScopes } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintValue } from '../../src/keys/format.ts'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { type Operation, operations } from '../support/operations.ts'
import { faultOf } from '../support/problems.ts'
import { callOperation, expectNothingChanged, makePlace, type Place } from '../support/samples.ts'

const managementOperations = operations.filter((operation) => operation.forManagementKeys)
const challengeOf = (answer: Answer) => answer.headers.get('www-authenticate')
const minute = 60_000

describe.each(anEngine('PostgreSQL'))('who may call the management API, on $name', (engine) => {
  let keyturn: Keyturn
  let place: Place
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    place = await makePlace(keyturn)
  })
  afterAll(() => keyturn.stop())

  const listKeys = (key: string | null, headers: Record<string, string> = {}) =>
    keyturn.request('GET', `/v1/projects/${place.project}/keys`, { key, headers })

  it('covers every endpoint, of which three are for keys of a product', () => {
    const others = operations.filter((operation) => !operation.forManagementKeys).map((operation) => operation.name)
    expect(others).toEqual(['GET /v1/keys/self', 'GET /v1/keys/self/renewal-info', 'POST /v1/keys/self/rotate'])
  })

  describe.each(operations)('$name', (operation) => {
    it('without a credential gets 401 and a challenge with no error in it (RFC 6750 §3.1)', () =>
      expectNothingChanged(keyturn, async () => {
        for (const headers of [{}, { authorization: '' }, { authorization: '   ' }] as Record<string, string>[]) {
          const answer = await callOperation(keyturn, operation, place, { key: null, headers })
          expect(faultOf(answer, { status: 401, code: 'unauthenticated' })).toBeNull()
          expect(challengeOf(answer)).toBe('Bearer realm="keyturn"')
        }
      }))

    it('with a value that nobody was given gets 401 and invalid_token', () =>
      expectNothingChanged(keyturn, async () => {
        for (const key of [mintValue('kt_live_').reveal(), 'x', 'kt_live_cut-off', `${keyturn.rootKey}x`]) {
          const answer = await callOperation(keyturn, operation, place, { key })
          expect(faultOf(answer, { status: 401, code: 'invalid_token' })).toBeNull()
          expect(challengeOf(answer)).toMatch(
            /^Bearer realm="keyturn", error="invalid_token", error_description="[^"]+"$/,
          )
          expect(answer.text).not.toContain(key.slice(12) || '"x"')
        }
      }))

    it('with anything but one bearer token gets 400 and invalid_request', () =>
      expectNothingChanged(keyturn, async () => {
        for (const authorization of [
          'Basic YTpi',
          'Bearer',
          keyturn.rootKey,
          `Bearer ${keyturn.rootKey} ${keyturn.rootKey}`,
          `Bearer ${keyturn.rootKey}, Bearer ${keyturn.rootKey}`,
          `Bearer ${keyturn.rootKey},${keyturn.rootKey}`,
          `Bearer:${keyturn.rootKey}`,
          `Token ${keyturn.rootKey}`,
          `Bearer ${'x'.repeat(4097)}`,
        ]) {
          const answer = await callOperation(keyturn, operation, place, { key: null, headers: { authorization } })
          expect(faultOf(answer, { status: 400, code: 'ambiguous_credentials' })).toBeNull()
          expect(challengeOf(answer)).toMatch(/^Bearer realm="keyturn", error="invalid_request", /)
        }
      }))
  })

  it('two Authorization headers are refused, even where one of them would do', async () => {
    const sent = request(`${keyturn.url}/v1/organizations`, { agent: false })
    sent.setHeader('authorization', [`Bearer ${keyturn.rootKey}`, 'Bearer another'])
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(400)
  })

  it('a token in the URL or in the body is none (RFC 6750 §2.3: SHOULD NOT)', async () => {
    const inUrl = await keyturn.request('GET', `/v1/organizations?access_token=${keyturn.rootKey}`, { key: null })
    expect(faultOf(inUrl, { status: 401, code: 'unauthenticated' })).toBeNull()
    const body = { name: 'Globex', access_token: keyturn.rootKey }
    const inBody = await keyturn.request('POST', '/v1/organizations', { key: null, body })
    expect(faultOf(inBody, { status: 401, code: 'unauthenticated' })).toBeNull()
  })

  it('the name of the scheme may be written in any case (RFC 9110 §11.1)', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
      expect((await listKeys(null, { authorization: `${scheme} ${keyturn.rootKey}` })).status).toBe(200)
    }
  })

  describe('a management key that has ended', () => {
    const refusal = { status: 401, code: 'invalid_token' }
    async function expectRefused(value: string, reason: RegExp) {
      const answer = await listKeys(value)
      expect(faultOf(answer, refusal)).toBeNull()
      expect(answer.body.detail).toMatch(reason)
      expect(challengeOf(answer)).toContain('error="invalid_token"')
    }

    it.each([
      ['disable', /is disabled/],
      ['revoke', /was revoked/],
    ] as const)('by %s is told so from the next call on', async (action, reason) => {
      const { key, secret } = await keyturn.createManagementKey(place.org)
      expect((await listKeys(secret.value)).status).toBe(200)
      expect((await keyturn.request('POST', `/v1/keys/${key.id}/${action}`)).status).toBe(200)
      await expectRefused(secret.value, reason)
    })

    it('by deleting is not known any more', async () => {
      const { key, secret } = await keyturn.createManagementKey(place.org)
      await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=DELETE`)
      await expectRefused(secret.value, /no key has it here/)
    })

    it('by its expiry is told when, to the second, and works again once it was extended in time', async () => {
      const [one, extended] = await Promise.all(
        [1, 2].map(() => keyturn.createManagementKey(place.org, { expires_in: 60 })),
      )
      if (!one || !extended) throw new Error('two keys were made')
      await keyturn.request('POST', `/v1/keys/${extended.key.id}/extend`, { body: { expires_in: 3600 } })
      expect((await listKeys(one.secret.value)).status).toBe(200)
      keyturn.clock.advance(minute)
      await expectRefused(one.secret.value, new RegExp(`expired at ${one.secret.expires_at}`))
      expect((await listKeys(extended.secret.value)).status).toBe(200)
    })

    it('for calls from elsewhere says so', async () => {
      const { secret } = await keyturn.createManagementKey(place.org, { allowed_ips: ['192.0.2.0/24'] })
      await expectRefused(secret.value, /may not be used from 127\.0\.0\.1/)
      const { secret: bound } = await keyturn.createManagementKey(place.org, { allowed_ips: ['127.0.0.0/8'] })
      expect((await listKeys(bound.value)).status).toBe(200)
    })
  })

  it('a key of a product opens nothing, whatever its kind and scopes', async () => {
    const scopes = [...managementScopes]
    const { body: legacy } = await keyturn.request('GET', `/v1/projects/${place.project}/keys?kind=publishable`)
    const values = [
      (await keyturn.createKey(place.project, { scopes })).secret.value,
      (await keyturn.createKey(place.project, { scopes, kind: 'publishable' })).secret.value,
      legacy.data[0].secrets[0].value,
    ]
    await expectNothingChanged(keyturn, async () => {
      for (const operation of managementOperations) {
        for (const key of values) {
          const answer = await callOperation(keyturn, operation, place, { key })
          expect(faultOf(answer, { status: 401, code: 'management_key_required' })).toBeNull()
          expect(challengeOf(answer)).toMatch(/^Bearer realm="keyturn", error="invalid_token", /)
        }
      }
    })
  })

  it('switching API access off stops no management key, or nobody could switch it on again', async () => {
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    const product = await keyturn.createKey(project.id)
    const { secret } = await keyturn.createManagementKey(organization.id, { scopes: ['policy:write'] })
    const switchTo = (path: string, api_access: boolean) =>
      keyturn.request('PATCH', path, { key: secret.value, body: { api_access } })
    for (const path of [`/v1/organizations/${organization.id}`, `/v1/projects/${project.id}`]) {
      expect((await switchTo(path, false)).body.api_access).toBe(false)
      expect((await keyturn.verify(product.secret.value)).code).toBe('API_ACCESS_DISABLED')
      expect((await switchTo(path, true)).body.api_access).toBe(true)
      expect((await keyturn.verify(product.secret.value)).code).toBe('VALID')
    }
  })
})

/** What the documentation says an endpoint wants. Null: the root key. */
function neededScope(operation: Operation): ManagementScope | 'any' | null {
  if (operation.description.startsWith('With the root key')) return null
  if (operation.description.startsWith('With any management key')) return 'any'
  const named = /^Scope `([a-z:]+)`/.exec(operation.description)?.[1]
  const scope = managementScopes.find((candidate) => candidate === named)
  if (!scope) throw new Error(`${operation.name} does not say which scope it wants`)
  return scope
}

describe.each(anEngine('PostgreSQL'))('what a management key may do, on $name', (engine) => {
  let keyturn: Keyturn
  let place: Place
  const values = new Map<string, string>()
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    place = await makePlace(keyturn)
    for (const scope of managementScopes) {
      values.set(scope, (await keyturn.createManagementKey(place.org, { scopes: [scope] })).secret.value)
    }
    const roles = ['members:write', 'keys:read', 'keys:write', 'audit:read']
    values.set('roles', (await keyturn.createManagementKey(place.org, { scopes: roles })).secret.value)
    const scopes = [...managementScopes]
    values.set('all', (await keyturn.createManagementKey(place.org, { scopes })).secret.value)
  })
  afterAll(() => keyturn.stop())

  const valueWith = (scope: string) => values.get(scope) ?? ''

  describe.each(managementOperations)('$name', (operation) => {
    const needed = neededScope(operation)

    if (needed === null) {
      it('is for the root key alone', () =>
        expectNothingChanged(keyturn, async () => {
          for (const [, key] of values) {
            const answer = await callOperation(keyturn, operation, place, { key })
            expect(faultOf(answer, { status: 403, code: 'root_key_required' })).toBeNull()
          }
        }))
      return
    }

    if (needed === 'any') {
      it.each(managementScopes)('is for %s as for any other', async (scope) => {
        const answer = await callOperation(keyturn, operation, place, { key: valueWith(scope) })
        expect(answer.status).toBeLessThan(300)
      })
      return
    }

    it(`needs ${needed}`, async () => {
      // A key can make another of its own strength alone.
      const body =
        operation.name.endsWith('/management-keys') && operation.body ? { name: 'Other', scopes: [needed] } : {}
      // Nor is a role given by a key that has less.
      const key = needed === 'members:write' ? valueWith('roles') : valueWith(needed)
      const options = { key, ...('name' in body ? { body } : {}) }
      const answer = await callOperation(keyturn, operation, await makePlace(keyturn, place.org, operation), options)
      expect(answer.status).toBeLessThan(300)
    })

    it.each(managementScopes.filter((scope) => scope !== needed))('is not to be had for %s', (scope) =>
      expectNothingChanged(keyturn, async () => {
        const answer = await callOperation(keyturn, operation, place, { key: valueWith(scope) })
        expect(faultOf(answer, { status: 403, code: 'insufficient_scope' })).toBeNull()
        expect(answer.body.scope).toBe(needed)
        expect(challengeOf(answer)).toMatch(
          new RegExp(
            `^Bearer realm="keyturn", error="insufficient_scope", error_description="[^"]+", scope="${needed}"$`,
          ),
        )
      }),
    )
  })

  it('of a project, the name wants projects:write and everything else policy:write', async () => {
    const path = `/v1/projects/${place.project}`
    const edit = (scope: string, body: object) => keyturn.request('PATCH', path, { key: valueWith(scope), body })
    const rules = [
      { api_access: true },
      { policy: {} },
      { name: 'Both', api_access: true },
      { name: 'Both', policy: {} },
    ]
    for (const body of rules) {
      expect((await edit('projects:write', body)).body).toMatchObject({
        code: 'insufficient_scope',
        scope: 'policy:write',
      })
      expect((await edit('policy:write', body)).status).toBe(200)
    }
    expect((await edit('policy:write', { name: 'Name' })).body).toMatchObject({ scope: 'projects:write' })
  })

  it('every scope opens something', () => {
    const used = new Set(managementOperations.map(neededScope))
    expect(managementScopes.filter((scope) => !used.has(scope))).toEqual([])
  })

  describe('to other management keys', () => {
    const actions: [string, string, object][] = [
      ['PATCH', '', { name: 'Taken over' }],
      ['POST', '/extend', { expires_in: 400 * 86_400 }],
      ['POST', '/disable', {}],
      ['POST', '/enable', {}],
      ['POST', '/revoke', {}],
      ['DELETE', '', { confirm: 'DELETE' }],
    ]
    const makeKey = async (scopes: ManagementScope[], projects: string[] | null = null) =>
      (await keyturn.createManagementKey(place.org, { scopes, projects })).secret.value
    const act = (key: string, id: string, [method, path, body]: (typeof actions)[number]) =>
      keyturn.request(method, `/v1/keys/${id}${path}`, { key, body })

    it('nothing, without management:write', async () => {
      const { key } = await keyturn.createManagementKey(place.org)
      const value = await makeKey(managementScopes.filter((scope) => scope !== 'management:write'))
      await expectNothingChanged(keyturn, async () => {
        for (const action of actions) {
          const answer = await act(value, key.id, action)
          expect(answer).toMatchObject({ status: 403, body: { code: 'insufficient_scope', scope: 'management:write' } })
        }
      })
    })

    it('nothing to one that has a scope more, by any action', async () => {
      const { key } = await keyturn.createManagementKey(place.org, { scopes: ['keys:read', 'audit:read'] })
      const value = await makeKey(['management:write', 'keys:write', 'keys:read'])
      await expectNothingChanged(keyturn, async () => {
        for (const action of actions) {
          const answer = await act(value, key.id, action)
          expect(answer).toMatchObject({ status: 403, body: { code: 'cannot_give_more_than_you_have' } })
          expect(answer.body).toMatchObject({ scopes: ['audit:read'], projects: [] })
        }
      })
    })

    it('every action to one that has as much or less', async () => {
      const value = await makeKey(['management:write', 'keys:read'])
      const { key } = await keyturn.createManagementKey(place.org, { scopes: ['keys:read'] })
      for (const action of actions) expect((await act(value, key.id, action)).status, action[1]).toBeLessThan(300)
    })

    it('no key with a scope or a project more than its own', async () => {
      const value = await makeKey(['management:write', 'keys:read'])
      const bound = await makeKey(['management:write', 'keys:read'], [place.project])
      const other = await makePlace(keyturn, place.org)
      const create = (key: string, fields: object) =>
        keyturn.request('POST', `/v1/organizations/${place.org}/management-keys`, {
          key,
          body: { name: 'Stronger', scopes: ['keys:read'], ...fields },
        })
      await expectNothingChanged(keyturn, async () => {
        const more = await create(value, { scopes: ['keys:read', 'keys:write', 'verify'] })
        expect(more.body).toMatchObject({ code: 'cannot_give_more_than_you_have', scopes: ['keys:write', 'verify'] })
        for (const projects of [null, undefined]) {
          expect((await create(bound, { projects })).body).toMatchObject({ projects: ['all'], status: 403 })
        }
        expect((await create(bound, { projects: [place.project, other.project] })).status).toBe(404)
      })
      expect((await create(value, { projects: [place.project] })).status).toBe(201)
      expect((await create(bound, { projects: [place.project] })).status).toBe(201)
    })

    it('no scope that it does not have itself, be it for its own key', async () => {
      const { key, secret } = await keyturn.createManagementKey(place.org, {
        scopes: ['management:write', 'keys:read'],
      })
      const edit = (scopes: string[], bearer = secret.value) =>
        keyturn.request('PATCH', `/v1/keys/${key.id}`, { key: bearer, body: { scopes } })
      await expectNothingChanged(keyturn, async () => {
        expect((await edit(['management:write', 'keys:read', 'audit:read'])).body).toMatchObject({
          code: 'cannot_give_more_than_you_have',
          scopes: ['audit:read'],
        })
      })
      expect((await edit(['management:write', 'audit:read'], keyturn.rootKey)).status).toBe(200)
      // Its former scope is gone at once, and it cannot take it back.
      expect((await keyturn.request('GET', `/v1/keys/${key.id}`, { key: secret.value })).status).toBe(403)
      expect((await edit(['management:write', 'keys:read'])).status).toBe(403)
    })

    it('no scope that there is none of, whoever asks', async () => {
      const { key } = await keyturn.createManagementKey(place.org)
      await expectNothingChanged(keyturn, async () => {
        for (const scopes of [['everything'], ['keys:read', 'orders:read'], ['*'], []]) {
          const answer = await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { scopes } })
          expect(faultOf(answer, { status: 400, code: 'invalid_request', path: 'scopes' })).toBeNull()
        }
      })
    })
  })

  it('management keys end like all others, unless the policy lets them live for ever', async () => {
    const organization = await keyturn.createOrganization()
    const day = 86_400_000
    const { key } = await keyturn.createManagementKey(organization.id)
    expect(Date.parse(String(key.expires_at)) - Date.parse(key.created_at)).toBe(365 * day)
    const create = (fields: object) =>
      keyturn.request('POST', `/v1/organizations/${organization.id}/management-keys`, {
        body: { name: 'For ever', scopes: ['verify'], ...fields },
      })
    expect((await create({ never_expires: true })).body.code).toBe('never_expires_not_allowed')
    expect((await create({ expires_in: 731 * 86_400 })).body.code).toBe('max_lifetime_exceeded')
    const policy = { allow_never_expires: true, max_lifetime: null }
    await keyturn.request('PATCH', `/v1/organizations/${organization.id}`, { body: { policy } })
    expect((await create({ never_expires: true })).body.key).toMatchObject({ never_expires: true, expires_at: null })
  })

  it('management keys have a limit of their own', async () => {
    const organization = await keyturn.createOrganization()
    await keyturn.request('PATCH', `/v1/organizations/${organization.id}`, { body: { policy: { max_active_keys: 2 } } })
    const project = await keyturn.createProject(organization.id)
    await keyturn.createManagementKey(organization.id)
    await keyturn.createManagementKey(organization.id)
    const body = { name: 'One more', scopes: ['verify'] }
    const third = await keyturn.request('POST', `/v1/organizations/${organization.id}/management-keys`, { body })
    expect(third.body).toMatchObject({ code: 'active_key_limit_reached', active: 2, limit: 2 })
    // The legacy key is the project's first: there is room for one more, whatever management keys there are.
    await keyturn.createKey(project.id)
    const second = await keyturn.request('POST', `/v1/projects/${project.id}/keys`, { body: { name: 'Second' } })
    expect(second.body).toMatchObject({ code: 'active_key_limit_reached', active: 2, limit: 2 })
  })

  it('management keys are in the list of management keys, and in no other', async () => {
    const organization = await keyturn.createOrganization()
    await keyturn.createProject(organization.id)
    const { key } = await keyturn.createManagementKey(organization.id, { name: 'Deploy pipeline' })
    const idsOf = async (path: string) =>
      (await keyturn.request('GET', `/v1/organizations/${organization.id}${path}`)).body.data.map(
        (row: { id: string }) => row.id,
      )
    expect(await idsOf('/management-keys')).toEqual([key.id])
    expect(await idsOf('/keys')).not.toContain(key.id)
    expect(await idsOf('/keys?q=pipeline')).toEqual([])
  })
})
