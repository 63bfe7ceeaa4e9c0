import type { Key, Secret, VerdictCode } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintValue } from '../../src/keys/format.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { ask, bearer, type Told } from './ask.ts'

const day = 86_400
const nobodys = () => mintValue('kt_live_').reveal()
type Made = { key: Key; secret: Secret & { value: string } }

describe.each(anEngine('PostgreSQL'))('a proxy that asks, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let project: string
  let good: Made

  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8, 2001:db8:ffff::/48' })
    org = (await keyturn.createOrganization()).id
    project = (await keyturn.createProject(org, { slug: 'web' })).id
    good = await keyturn.createKey(project, { scopes: ['read', 'write'], owner: 'ada@example.com' })
  })
  afterAll(() => keyturn.stop())

  const change = async (method: string, path: string, body?: object) => {
    const answer = await keyturn.request(method, path, { body: body ?? {} })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`)
  }
  /** The same answer whether it comes from the database or from memory. */
  const askTwice = async (...question: Parameters<typeof ask> extends [unknown, ...infer Rest] ? Rest : never) => {
    const first = await ask(keyturn, ...question)
    expect(await ask(keyturn, ...question)).toEqual(first)
    return first
  }
  const faultOf = ({ missing, text }: Told) => ({ missing, text })
  const clean = { missing: [], text: '' }

  it('is told with every header whose key it is that may pass', async () => {
    const told = await askTwice({ headers: bearer(good.secret.value) })
    expect({ status: told.status, ...faultOf(told) }).toEqual({ status: 200, ...clean })
    expect(told.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-keyturn-code': 'VALID',
      'x-keyturn-hint': '',
      'x-keyturn-key-id': good.key.id,
      'x-keyturn-key-name': good.key.name,
      'x-keyturn-key-kind': 'secret',
      'x-keyturn-key-environment': 'live',
      'x-keyturn-key-owner': 'ada@example.com',
      'x-keyturn-key-scopes': 'read write',
      'x-keyturn-key-expires-at': good.key.expires_at,
      'x-keyturn-key-warning': '',
      'x-keyturn-organization-id': org,
      'x-keyturn-project-id': project,
      'x-keyturn-secret-id': good.secret.id,
      'x-keyturn-secret-slot': 'primary',
    })
  })

  interface Refusal {
    readonly code: VerdictCode
    readonly status: 401 | 403
    readonly path?: string
    /** @returns the value to present */
    readonly prepare: () => Promise<string> | string
  }
  const spoilt = (fields: object, spoil: (made: Made) => Promise<unknown>) => async () => {
    const made = await keyturn.createKey(project, fields)
    await spoil(made)
    return made.secret.value
  }
  const refusals: Refusal[] = [
    { code: 'MALFORMED', status: 401, prepare: () => `"${good.secret.value}"` },
    { code: 'NOT_FOUND', status: 401, prepare: () => nobodys() },
    {
      code: 'NOT_FOUND',
      status: 401,
      prepare: async () => (await keyturn.createManagementKey(org, { scopes: ['verify'] })).secret.value,
    },
    {
      code: 'REVOKED',
      status: 401,
      prepare: spoilt({}, ({ key }) => change('POST', `/v1/keys/${key.id}/revoke`)),
    },
    {
      code: 'ROTATED',
      status: 401,
      prepare: spoilt({}, ({ secret }) =>
        sql`update secrets set retires_at = created_at + interval '1 millisecond' where id = ${secret.id}`.execute(
          keyturn.database.reader,
        ),
      ),
    },
    {
      code: 'EXPIRED',
      status: 401,
      prepare: spoilt({ expires_in: day }, async () => keyturn.clock.advance(day * 1000)),
    },
    { code: 'DISABLED', status: 401, prepare: spoilt({}, ({ key }) => change('POST', `/v1/keys/${key.id}/disable`)) },
    {
      code: 'API_ACCESS_DISABLED',
      status: 403,
      prepare: async () => {
        const other = await keyturn.createProject(org)
        const { secret } = await keyturn.createKey(other.id)
        await change('PATCH', `/v1/projects/${other.id}`, { api_access: false })
        return secret.value
      },
    },
    { code: 'WRONG_PROJECT', status: 403, path: '?project=another', prepare: () => good.secret.value },
    {
      code: 'WRONG_KIND',
      status: 403,
      prepare: async () => {
        const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?kind=publishable`)
        return body.data[0].secrets[0].value
      },
    },
    { code: 'WRONG_KIND', status: 403, path: '?kinds=publishable', prepare: () => good.secret.value },
    { code: 'IP_NOT_ALLOWED', status: 403, prepare: spoilt({ allowed_ips: ['203.0.113.7'] }, async () => {}) },
    { code: 'INSUFFICIENT_SCOPE', status: 403, path: '?scopes=read,admin', prepare: () => good.secret.value },
  ]

  it.each(refusals)('is told $status and $code, with every header', async ({ code, status, path = '', prepare }) => {
    const value = await prepare()
    const told = await askTwice({ path: `/v1/authorize${path}`, headers: bearer(value) })
    expect({ status: told.status, code: told.code, ...faultOf(told) }).toEqual({ status, code, ...clean })
    expect(told.headers['x-keyturn-hint']).toMatch(/^[\x20-\x7e]{20,}$/)
    expect(told.challenge).toBe(status === 401 ? 'Bearer realm="api", error="invalid_token"' : undefined)
    const ofRealSecret = !['MALFORMED', 'NOT_FOUND'].includes(code)
    expect(told.headers['x-keyturn-key-id'] !== '').toBe(ofRealSecret)
    expect(JSON.stringify(told.headers)).not.toContain(value.replaceAll('"', ''))
  })

  it('never learns of keys that its own key does not reach', async () => {
    const elsewhere = await keyturn.createProject(org)
    const [foreign, bound] = await Promise.all([
      keyturn.createOrganization(),
      keyturn.createManagementKey(org, { scopes: ['verify'], projects: [elsewhere.id] }),
    ])
    const whole = await keyturn.createManagementKey(foreign.id, { scopes: ['verify'] })
    for (const { secret } of [bound, whole]) {
      const told = await askTwice({ headers: bearer(good.secret.value), managementKey: secret.value })
      expect([told.status, told.code, told.headers['x-keyturn-key-id']]).toEqual([401, 'NOT_FOUND', ''])
    }
  })

  it('gets names and hints of any characters as ASCII that decodes to the very same', async () => {
    for (const name of ['Zoë, "prod"; 100% 日本 😀', '%41%', 'a\\b\u00a0c', "=cmd|' /C'!A0"]) {
      const { key, secret } = await keyturn.createKey(project, { name })
      const told = await askTwice({ headers: bearer(secret.value) })
      expect(told.headers['x-keyturn-key-name']).toMatch(/^[\x20-\x7e]+$/)
      expect(decodeURIComponent(told.headers['x-keyturn-key-name'])).toBe(key.name)
    }
  })

  describe('takes the caller’s key', () => {
    const value = () => good.secret.value
    const accepted: [string, () => [string, string][]][] = [
      ['from Authorization', () => [['Authorization', `Bearer ${value()}`]]],
      ['whatever the case of the scheme', () => [['authorization', `bEARER  ${value()}`]]],
      ['from X-Api-Key alone', () => [['X-Api-Key', value()]]],
      [
        'from X-Api-Key beside an Authorization that is empty',
        () => [
          ['Authorization', ''],
          ['X-Api-Key', value()],
        ],
      ],
      [
        'from both where they are the same',
        () => [
          ['Authorization', `Bearer ${value()}`],
          ['X-Api-Key', value()],
        ],
      ],
    ]
    it.each(accepted)('%s', async (_, headers) => {
      const told = await askTwice({ headers: headers() })
      expect([told.status, told.headers['x-keyturn-key-id']]).toEqual([200, good.key.id])
    })

    const other = nobodys()
    const refused: [string, () => [string, string][]][] = [
      ['where none is sent', () => []],
      [
        'from empty headers',
        () => [
          ['Authorization', ''],
          ['X-Api-Key', ''],
        ],
      ],
      [
        'from two headers that differ',
        () => [
          ['Authorization', `Bearer ${value()}`],
          ['X-Api-Key', other],
        ],
      ],
      [
        'from two headers that differ, the good one last',
        () => [
          ['Authorization', `Bearer ${other}`],
          ['X-Api-Key', value()],
        ],
      ],
      [
        'from two Authorization headers',
        () => [
          ['Authorization', `Bearer ${value()}`],
          ['Authorization', `Bearer ${other}`],
        ],
      ],
      [
        'from two Authorization headers, the first one empty',
        () => [
          ['Authorization', ''],
          ['authorization', `Bearer ${value()}`],
          ['X-Api-Key', value()],
        ],
      ],
      [
        'from two X-Api-Key headers',
        () => [
          ['X-Api-Key', value()],
          ['X-Api-Key', value()],
        ],
      ],
      ['from two in one header', () => [['Authorization', `Bearer ${value()}, Bearer ${value()}`]]],
      ['from Basic', () => [['Authorization', `Basic ${Buffer.from(`a:${value()}`).toString('base64')}`]]],
      [
        'from Basic beside a good X-Api-Key',
        () => [
          ['Authorization', 'Basic YTpi'],
          ['X-Api-Key', value()],
        ],
      ],
      ['bare', () => [['Authorization', value()]]],
      ['past any length', () => [['X-Api-Key', 'a'.repeat(10_000)]]],
    ]
    it.each(refused)('never %s: 401', async (_, headers) => {
      const told = await askTwice({ headers: headers() })
      expect({ status: told.status, code: told.code, ...faultOf(told) }).toEqual({
        status: 401,
        code: 'MALFORMED',
        ...clean,
      })
      expect(told.headers['x-keyturn-key-id']).toBe('')
    })

    it('never from the query or a cookie', async () => {
      expect((await ask(keyturn, { headers: [['Cookie', `key=${value()}`]] })).status).toBe(401)
      expect((await ask(keyturn, { path: `/v1/authorize?key=${value()}` })).status).toBe(500)
    })
  })

  describe('whose own key is no good gets 500 with the code, never 401:', () => {
    const cases: [string, string, () => Promise<string | null>][] = [
      ['none', 'unauthenticated', async () => null],
      ['an empty one', 'unauthenticated', async () => ''],
      ['one that nobody knows', 'invalid_token', async () => nobodys()],
      ['one of a product', 'management_key_required', async () => good.secret.value],
      [
        'one without the scope',
        'insufficient_scope',
        async () => (await keyturn.createManagementKey(org, { scopes: ['keys:read'] })).secret.value,
      ],
      [
        'one that was revoked',
        'invalid_token',
        async () => {
          const { key, secret } = await keyturn.createManagementKey(org, { scopes: ['verify'] })
          expect((await ask(keyturn, { headers: bearer(good.secret.value), managementKey: secret.value })).status).toBe(
            200,
          )
          await change('POST', `/v1/keys/${key.id}/revoke`)
          return secret.value
        },
      ],
      [
        'one that is bound to another address',
        'invalid_token',
        async () =>
          (await keyturn.createManagementKey(org, { scopes: ['verify'], allowed_ips: ['192.0.2.1'] })).secret.value,
      ],
    ]
    it.each(cases)('%s', async (_, code, managementKey) => {
      const told = await ask(keyturn, { headers: bearer(good.secret.value), managementKey: await managementKey() })
      expect([told.status, told.code, told.missing, told.challenge]).toEqual([500, code, [], undefined])
      expect(JSON.parse(told.text)).toMatchObject({ status: 500, code })
      expect(told.headers['x-keyturn-key-id']).toBe('')
      expect(told.text).not.toContain(good.secret.value)
    })
  })

  describe('says in the query what is required:', () => {
    const fine = [
      '?project=web',
      `?project={project}`,
      '?scopes=read',
      '?scopes=read,write',
      '?kinds=secret,jwt',
      '?project=web&scopes=write&kinds=secret&statuses=401,403',
      '?',
    ]
    it.each(fine)('%s lets a fitting key pass', async (query) => {
      const told = await askTwice({
        path: `/v1/authorize${query.replace('{project}', project)}`,
        headers: bearer(good.secret.value),
      })
      expect(told.status).toBe(200)
    })

    const wrong: [string, string][] = [
      ['?scope=read', 'scope'],
      ['?scopes=read&scopes=write', 'scopes'],
      ['?project=web&project=web', 'project'],
      ['?scopes=', 'scopes'],
      ['?scopes=read,', 'scopes'],
      ['?scopes=read%20write', 'scopes'],
      ['?scopes=read,read', 'scopes'],
      ['?project=', 'project'],
      ['?kinds=', 'kinds'],
      ['?kinds=secret,any', 'kinds'],
      ['?statuses=200', 'statuses'],
      ['?statuses=', 'statuses'],
      ['?statuses=401,404', 'statuses'],
      ['?%73copes=read&=1', ''],
      ['?__proto__=1', '__proto__'],
      ['?key=1', 'key'],
    ]
    it.each(wrong)('%s is a wrong configuration: 500, and nothing passes', async (query, path) => {
      const told = await ask(keyturn, { path: `/v1/authorize${query}`, headers: bearer(good.secret.value) })
      expect([told.status, told.code, told.missing]).toEqual([500, 'invalid_request', []])
      expect(JSON.parse(told.text).errors[0].path).toBe(path)
    })

    it('nothing that the caller sends in headers or body loosens it', async () => {
      const told = await ask(keyturn, {
        method: 'POST',
        path: '/v1/authorize?scopes=admin',
        headers: [
          ...bearer(good.secret.value),
          ['Content-Type', 'application/json'],
          ['X-Keyturn-Key-Scopes', 'admin'],
        ],
        body: Buffer.from('{"scopes": []}'),
      })
      expect([told.status, told.code]).toEqual([403, 'INSUFFICIENT_SCOPE'])
    })

    it('?statuses turns what the proxy does not pass on into 403, and keeps the code', async () => {
      const unknown = nobodys()
      const of = async (value: string, query: string) => {
        const told = await ask(keyturn, { path: `/v1/authorize?${query}`, headers: bearer(value) })
        return [told.status, told.code]
      }
      expect(await of(unknown, 'statuses=403')).toEqual([403, 'NOT_FOUND'])
      expect(await of(unknown, 'statuses=401,403')).toEqual([401, 'NOT_FOUND'])
      expect(await of(good.secret.value, 'statuses=401&project=another')).toEqual([403, 'WRONG_PROJECT'])
      expect(await of(good.secret.value, 'statuses=403')).toEqual([200, 'VALID'])
    })
  })

  it('may append the path that it was asked for, and asks with any method and body', async () => {
    for (const path of [
      '/v1/authorize/',
      '/v1/authorize/anything',
      '/v1/authorize/a/../../keys?scopes=read',
      '/v1/authorize/%00%ff',
    ])
      expect((await ask(keyturn, { path, headers: bearer(good.secret.value) })).status, path).toBe(200)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])
      for (const body of [undefined, Buffer.from('{"a"'), Buffer.alloc(3_000_000)]) {
        const told = await ask(keyturn, { method, headers: bearer(good.secret.value), ...(body && { body }) })
        expect([told.status, told.code, told.missing], `${method} ${body?.length}`).toEqual([200, 'VALID', []])
      }
    const beside = await ask(keyturn, { path: '/v1/authorized', headers: bearer(keyturn.rootKey) })
    expect(beside.status).toBe(404)
  })

  describe('of a key that is bound to addresses', () => {
    let bound: Made
    beforeAll(async () => {
      bound = await keyturn.createKey(project, {
        allowed_ips: ['203.0.113.7', '198.51.100.0/24', '2001:db8:1::/48', '127.0.0.1'],
      })
    })
    const from = async (forwarded: string | null, value = bound.secret.value) => {
      const headers = [...bearer(value), ...(forwarded === null ? [] : [['X-Forwarded-For', forwarded] as const])]
      const told = await askTwice({ headers })
      return told.code
    }

    const passing = [
      '203.0.113.7',
      '198.51.100.255',
      '2001:db8:1:2::3',
      '2001:DB8:1:0:0:0:0:1',
      '::ffff:203.0.113.7',
      '203.0.113.7:51234',
      '[2001:db8:1::5]:443',
      '203.0.113.7, 10.1.2.3',
      '192.0.2.1, 203.0.113.7,10.0.0.1 , 2001:db8:ffff::1',
      'nonsense, 203.0.113.7, 10.0.0.1',
    ]
    it.each(passing)('lets pass what came from %s', async (forwarded) => {
      expect(await from(forwarded)).toBe('VALID')
    })

    const stopped = [
      '203.0.113.8',
      '198.51.101.0',
      '2001:db8:2::1',
      '203.0.113.7, 192.0.2.1',
      '203.0.113.7, 192.0.2.1, 10.0.0.1',
      '203.0.113.7, unknown',
      'unknown',
      '203.0.113.7, ',
      '',
      '0x cb007107',
      '203.0.113.07',
    ]
    it.each(stopped)('stops what came from “%s”', async (forwarded) => {
      expect(await from(forwarded)).toBe('IP_NOT_ALLOWED')
    })

    it('takes the proxy’s own address where it forwards none, or only other proxies', async () => {
      expect(await from(null)).toBe('VALID')
      expect(await from('10.0.0.1, 10.0.0.2')).toBe('IP_NOT_ALLOWED')
    })

    it('goes through several headers in their order', async () => {
      const headers = [
        ...bearer(bound.secret.value),
        ['X-Forwarded-For', '192.0.2.1'],
        ['X-Forwarded-For', '203.0.113.7'],
      ] as const
      expect((await ask(keyturn, { headers })).code).toBe('VALID')
    })
  })
})

describe.each(anEngine('PostgreSQL'))('without KEYTURN_TRUSTED_PROXIES, on $name,', (engine) => {
  it('the address of the socket is the one that counts, whatever is forwarded', async () => {
    const keyturn = await openKeyturn(engine)
    try {
      const away = await keyturn.createKey('default', { allowed_ips: ['203.0.113.7'] })
      const local = await keyturn.createKey('default', { allowed_ips: ['127.0.0.0/8'] })
      const forwarded = ['X-Forwarded-For', '203.0.113.7'] as const
      expect((await ask(keyturn, { headers: [...bearer(away.secret.value), forwarded] })).code).toBe('IP_NOT_ALLOWED')
      expect((await ask(keyturn, { headers: [...bearer(local.secret.value), forwarded] })).code).toBe('VALID')
    } finally {
      await keyturn.stop()
    }
  })
})
