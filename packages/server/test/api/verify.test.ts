import { createHash } from 'node:crypto'
import { type Verdict, type VerdictCode, verdictCodes, verdictSchema } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintValue } from '../../src/keys/format.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

interface Presented {
  readonly value: string
  readonly demand?: object
  /** Null: the verdict says of no key. */
  readonly keyId: string | null
  readonly hint: RegExp | null
}

describe.each(engines)('verify, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const act = async (path: string, body: object = {}, method = 'POST') => {
    const answer = await keyturn.request(method, path, { body })
    expect(answer.status, answer.text).toBeLessThan(300)
  }

  /** How each verdict comes about. A new one does not compile until it is here. */
  const ways: Record<VerdictCode, () => Promise<Presented>> = {
    VALID: async () => {
      const { key, secret } = await keyturn.createKey('default')
      return { value: secret.value, keyId: key.id, hint: null }
    },
    MALFORMED: async () => {
      const { secret } = await keyturn.createKey('default')
      return { value: `"${secret.value}"`, keyId: null, hint: /quotes/ }
    },
    NOT_FOUND: async () => ({ value: mintValue('kt_live_').reveal(), keyId: null, hint: /no key has it here/ }),
    REVOKED: async () => {
      const { key, secret } = await keyturn.createKey('default')
      await act(`/v1/keys/${key.id}/revoke`, { reason: 'leaked' })
      return { value: secret.value, keyId: key.id, hint: /was revoked, which is for ever/ }
    },
    ROTATED: async () => {
      const { key, secret } = await keyturn.createKey('default')
      await act(`/v1/keys/${key.id}/rotate`, { overlap: 60 })
      keyturn.clock.advance(60_000)
      return {
        value: secret.value,
        keyId: key.id,
        hint: /has a newer secret; this one ended at .* Put the new one in place/,
      }
    },
    EXPIRED: async () => {
      const { key, secret } = await keyturn.createKey('default', { expires_in: 60 })
      keyturn.clock.advance(60_000)
      return { value: secret.value, keyId: key.id, hint: new RegExp(`expired at ${secret.expires_at}`) }
    },
    DISABLED: async () => {
      const { key, secret } = await keyturn.createKey('default')
      await act(`/v1/keys/${key.id}/disable`)
      return { value: secret.value, keyId: key.id, hint: /is disabled/ }
    },
    API_ACCESS_DISABLED: async () => {
      const project = await keyturn.createProject('default')
      const { key, secret } = await keyturn.createKey(project.id)
      await act(`/v1/projects/${project.id}`, { api_access: false }, 'PATCH')
      return { value: secret.value, keyId: key.id, hint: /API access is switched off/ }
    },
    WRONG_PROJECT: async () => {
      const { key, secret } = await keyturn.createKey('default')
      return { value: secret.value, demand: { project: 'another' }, keyId: key.id, hint: /belongs to project default/ }
    },
    WRONG_KIND: async () => {
      const { key, secret } = await keyturn.createKey('default', { kind: 'publishable' })
      return { value: secret.value, keyId: key.id, hint: /is of kind publishable/ }
    },
    IP_NOT_ALLOWED: async () => {
      const { key, secret } = await keyturn.createKey('default', { allowed_ips: ['192.0.2.0/24'] })
      return { value: secret.value, demand: { ip: '198.51.100.1' }, keyId: key.id, hint: /from 198\.51\.100\.1/ }
    },
    INSUFFICIENT_SCOPE: async () => {
      const { key, secret } = await keyturn.createKey('default', { scopes: ['orders:read'] })
      const demand = { scopes: ['orders:read', 'orders:write', 'refunds'] }
      return { value: secret.value, demand, keyId: key.id, hint: /lacks the scope orders:write, refunds\./ }
    },
    RATE_LIMITED: async () => {
      const rate_limit = { windows: [{ limit: 1, window_seconds: 60 }] }
      const { key, secret } = await keyturn.createKey('default', { rate_limit })
      await keyturn.verify(secret.value)
      return {
        value: secret.value,
        keyId: key.id,
        hint: /may make 1 call in 60 s, and too few of them are left\. Try again at 20/,
      }
    },
    QUOTA_EXCEEDED: async () => {
      const { key, secret } = await keyturn.createKey('default', { quota: { limit: 1, refill: 'daily' } })
      await keyturn.verify(secret.value)
      return { value: secret.value, keyId: key.id, hint: /has a quota of 1 a day, .* It is refilled at 20/ }
    },
  }

  it('has a way to every verdict there is', () => {
    expect(Object.keys(ways).sort()).toEqual([...verdictCodes].sort())
  })

  it.each(Object.entries(ways))(
    '%s comes with its hint, and names the key to the holder of the real secret alone',
    async (code, way) => {
      const { value, demand, keyId, hint } = await way()
      const { status, body, text } = await keyturn.request('POST', '/v1/verify', { body: { key: value, ...demand } })
      expect(status).toBe(200)
      expect(verdictSchema.strict().parse(body)).toEqual(body)
      expect(body).toMatchObject({ code, valid: code === 'VALID' })
      expect(body.rate_limit !== null).toBe(code === 'RATE_LIMITED')
      expect(body.quota !== null).toBe(code === 'QUOTA_EXCEEDED')
      expect(body.hint).toEqual(hint === null ? null : expect.stringMatching(hint))
      expect(body.key?.id ?? null).toBe(keyId)
      expect(body.secret === null).toBe(keyId === null)
      expect(text).not.toContain(value)
    },
  )

  it('says of a key what a product needs, and nothing of how it is administered', async () => {
    const fields = {
      name: 'Zapier, production',
      owner: 'ada@example.com',
      contact: 'team@example.com',
      purpose: 'orders to the warehouse',
      scopes: ['orders:read'],
      metadata: { plan: 'pro', limits: [1, 2] },
      environment: 'test',
      expires_in: 3600,
    }
    const { key, secret } = await keyturn.createKey('default', fields)
    expect(
      await keyturn.verify(secret.value, { scopes: ['orders:read'], project: 'default', kinds: ['secret'] }),
    ).toEqual({
      valid: true,
      code: 'VALID',
      hint: null,
      key: {
        id: key.id,
        name: 'Zapier, production',
        organization_id: key.organization_id,
        project_id: key.project_id,
        kind: 'secret',
        environment: 'test',
        owner: 'ada@example.com',
        scopes: ['orders:read'],
        metadata: { plan: 'pro', limits: [1, 2] },
      },
      secret: { id: secret.id, slot: 'primary' },
      expires_at: secret.expires_at,
      rate_limit: null,
      quota: null,
    })
  })

  it('takes the project by id or slug, of which either is enough', async () => {
    const { key, secret } = await keyturn.createKey('default')
    for (const project of [key.project_id, 'default'])
      expect((await keyturn.verify(secret.value, { project })).code).toBe('VALID')
    expect((await keyturn.verify(secret.value, { project: 'Default' })).code).toBe('WRONG_PROJECT')
  })

  it('lets a publishable value pass only where the call says that it may', async () => {
    const { secret } = await keyturn.createKey('default', { kind: 'publishable' })
    const codeFor = async (kinds: string[]) => (await keyturn.verify(secret.value, { kinds })).code
    expect(await codeFor(['publishable'])).toBe('VALID')
    expect(await codeFor(['secret', 'publishable'])).toBe('VALID')
    expect(await codeFor(['secret'])).toBe('WRONG_KIND')
    const { secret: server } = await keyturn.createKey('default')
    expect((await keyturn.verify(server.value, { kinds: ['publishable'] })).code).toBe('WRONG_KIND')
  })

  it('knows an address however it is written, and refuses a bound key where the call names none', async () => {
    const { secret } = await keyturn.createKey('default', {
      allowed_ips: ['192.0.2.0/24', '2001:db8::/32', '203.0.113.7'],
    })
    const codeFor = async (ip?: string) => (await keyturn.verify(secret.value, ip === undefined ? {} : { ip })).code
    for (const ip of ['192.0.2.255', '::ffff:192.0.2.1', '2001:DB8:0:0::1', '203.0.113.7'])
      expect([ip, await codeFor(ip)]).toEqual([ip, 'VALID'])
    for (const ip of ['192.0.3.0', '2001:db9::', '203.0.113.8']) {
      expect([ip, await codeFor(ip)]).toEqual([ip, 'IP_NOT_ALLOWED'])
    }
    expect(await keyturn.verify(secret.value)).toMatchObject({
      code: 'IP_NOT_ALLOWED',
      hint: expect.stringMatching(/did not say which address/),
    })
  })

  it('is right to the second: valid until its expiry, expired from it on', async () => {
    const { secret } = await keyturn.createKey('default', { expires_in: 600 })
    keyturn.clock.advance(598_000)
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    keyturn.clock.advance(2_000)
    expect((await keyturn.verify(secret.value)).code).toBe('EXPIRED')
  })

  it('sees every change with the very next call', async () => {
    const project = await keyturn.createProject('default')
    const { key, secret } = await keyturn.createKey(project.id, { scopes: ['a'] })
    const steps: [string, string, object, object, VerdictCode][] = [
      ['PATCH', `/v1/keys/${key.id}`, { scopes: ['b'] }, { scopes: ['a'] }, 'INSUFFICIENT_SCOPE'],
      ['PATCH', `/v1/keys/${key.id}`, { scopes: ['a', 'b'] }, { scopes: ['a'] }, 'VALID'],
      ['PATCH', `/v1/keys/${key.id}`, { allowed_ips: ['192.0.2.1'] }, { ip: '192.0.2.2' }, 'IP_NOT_ALLOWED'],
      ['PATCH', `/v1/keys/${key.id}`, { allowed_ips: [] }, { ip: '192.0.2.2' }, 'VALID'],
      ['POST', `/v1/keys/${key.id}/disable`, {}, {}, 'DISABLED'],
      ['POST', `/v1/keys/${key.id}/enable`, {}, {}, 'VALID'],
      ['PATCH', `/v1/projects/${project.id}`, { api_access: false }, {}, 'API_ACCESS_DISABLED'],
      ['PATCH', `/v1/projects/${project.id}`, { api_access: true }, {}, 'VALID'],
      ['PATCH', '/v1/organizations/default', { api_access: false }, {}, 'API_ACCESS_DISABLED'],
      ['PATCH', '/v1/organizations/default', { api_access: true }, {}, 'VALID'],
      ['POST', `/v1/keys/${key.id}/revoke`, {}, {}, 'REVOKED'],
    ]
    for (const [method, path, body, demand, code] of steps) {
      await act(path, body, method)
      expect([path, (await keyturn.verify(secret.value, demand)).code]).toEqual([path, code])
    }
    await act(`/v1/keys/${key.id}`, { confirm: 'DELETE' }, 'DELETE')
    expect(await keyturn.verify(secret.value)).toMatchObject({
      code: 'NOT_FOUND',
      key: null,
      secret: null,
      expires_at: null,
    })
  })

  it('changes nothing, whatever it says', async () => {
    const { secret } = await keyturn.createKey('default')
    await expectNothingChanged(keyturn, async () => {
      for (const value of [secret.value, `${secret.value}x`, mintValue('kt_live_').reveal()])
        await keyturn.verify(value)
    })
  })

  describe('hints to whoever sent a value that was damaged on its way', () => {
    const damages: [string, (value: string) => string, RegExp][] = [
      ['a space before it', (value) => ` ${value}`, /white space around it/],
      ['a line break after it', (value) => `${value}\r\n`, /white space around it/],
      ['white space in it', (value) => `${value.slice(0, 20)} ${value.slice(20)}`, /white space in it/],
      ['quotes', (value) => `'${value}'`, /quotes around it/],
      ['typographic quotes', (value) => `“${value}”`, /quotes around it/],
      ['Bearer left in', (value) => `Bearer ${value}`, /`Bearer ` left in it/],
      [
        'all of them',
        (value) => ` "Bearer ${value}" `,
        /white space around it, quotes around it and `Bearer ` left in it/,
      ],
      ['its tail cut off', (value) => value.slice(0, -3), /cut off: it has 43 of 46 characters/],
      ['all but the prefix cut off', () => 'kt_live_', /cut off: it has 8 of 46 characters/],
      ['a character doubled', (value) => `${value}x`, /too long: it has 47 characters instead of 46/],
      [
        'a character changed',
        (value) => value.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')),
        /checksum is wrong/,
      ],
      ['its case changed', (value) => value.slice(0, 8) + value.slice(8).toUpperCase(), /checksum is wrong/],
      ['a character that keys do not have', (value) => `${value.slice(0, 20)}-${value.slice(21)}`, /Character 21 /],
      ['nothing left', () => '', /too short/],
      ['far too much', (value) => value + 'x'.repeat(5_000), /too long: it has 5046/],
      ['a NUL at its end', (value) => `${value}\u0000`, /Character 47 /],
    ]

    it.each(damages)('%s', async (_, damage, hint) => {
      const { secret } = await keyturn.createKey('default')
      const verdict = await keyturn.verify(damage(secret.value))
      expect(verdict).toEqual({
        valid: false,
        code: 'MALFORMED',
        hint: expect.stringMatching(hint),
        key: null,
        secret: null,
        expires_at: null,
        rate_limit: null,
        quota: null,
      } satisfies Verdict)
      expect(verdict.hint).not.toContain(secret.value.slice(8, 20))
    })
  })

  it('tells nobody anything who does not have the whole secret', async () => {
    const { key, secret } = await keyturn.createKey('default')
    await act(`/v1/keys/${key.id}/revoke`)
    const digest = createHash('sha256').update(secret.value).digest()
    const guesses = [
      key.id,
      secret.id,
      secret.hint,
      secret.hint.replace('…', ''),
      digest.toString('hex'),
      digest.toString('base64'),
      secret.value.toLowerCase(),
      secret.value.slice(8),
      secret.value.normalize('NFD').replace('_', '＿'),
      `${secret.value}\u0000`,
      mintValue('kt_live_').reveal(),
    ]
    for (const guess of guesses) {
      const { body, text } = await keyturn.request('POST', '/v1/verify', { body: { key: guess } })
      expect([guess, body.code]).toEqual([guess, expect.stringMatching(/^(NOT_FOUND|MALFORMED)$/)])
      expect(body).toMatchObject({ valid: false, key: null, secret: null, expires_at: null })
      expect(text).not.toMatch(/revoked/i)
    }
  })

  it('may find any other string of up to 512 characters, and a JWT of up to 4,096, to be another system’s key', async () => {
    const codeOf = async (value: string) => (await keyturn.verify(value)).code
    const jwtOf = (length: number) => `eyJ${'a'.repeat(length - 7)}.b.c`
    expect(await codeOf('x'.repeat(15))).toBe('MALFORMED')
    expect(await codeOf('x'.repeat(16))).toBe('NOT_FOUND')
    expect(await codeOf('x'.repeat(512))).toBe('NOT_FOUND')
    expect(await codeOf('x'.repeat(513))).toBe('MALFORMED')
    expect(await codeOf(jwtOf(4096))).toBe('NOT_FOUND')
    expect(await codeOf(jwtOf(4097))).toBe('MALFORMED')
  })

  describe('GET /v1/keys/self', () => {
    const readSelf = (key: string | null) => keyturn.request('GET', '/v1/keys/self', { key })

    it('tells the holder of a key what it is, and never the value', async () => {
      const organization = await keyturn.createOrganization({ name: 'Acme', slug: `acme-${engine.name.toLowerCase()}` })
      const project = await keyturn.createProject(organization.id, { name: 'Orders', slug: 'orders' })
      const { key, secret } = await keyturn.createKey(project.id, { scopes: ['orders:read'] })
      const { status, body, text } = await readSelf(secret.value)
      expect(status).toBe(200)
      expect(body).toEqual({
        valid: true,
        code: 'VALID',
        // This very call is a use; whether it is noted already is a matter of seconds.
        key: {
          ...key,
          secrets: [{ ...secret, value: null, last_used_at: body.key.last_used_at }],
          last_used_at: body.key.last_used_at,
        },
        secret: { id: secret.id, slot: 'primary' },
        expires_at: secret.expires_at,
        organization: { id: organization.id, name: 'Acme', slug: organization.slug },
        project: { id: project.id, name: 'Orders', slug: 'orders' },
      })
      expect(text).not.toContain(secret.value)
    })

    it.each(['REVOKED', 'EXPIRED', 'DISABLED', 'API_ACCESS_DISABLED', 'IP_NOT_ALLOWED'] as const)(
      'answers a key that is %s with 401 and why',
      async (code) => {
        const { value, keyId } = await ways[code]()
        const answer = await readSelf(value)
        expect(faultOf(answer, { status: 401, code: 'invalid_token' })).toBeNull()
        expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
        expect(answer.body).toMatchObject({ verdict: { valid: false, code, key: { id: keyId } } })
        expect(answer.body.detail).toBe(answer.body.reason)
      },
    )

    it('answers a value that no key has with 401, and with nothing but why it is none', async () => {
      for (const value of [mintValue('kt_live_').reveal(), 'kt_live_cut']) {
        const answer = await readSelf(value)
        expect(faultOf(answer, { status: 401, code: 'invalid_token' })).toBeNull()
        expect(answer.body.verdict).toMatchObject({ valid: false, key: null, secret: null, expires_at: null })
        expect(answer.text).not.toContain(value)
      }
    })

    it('refuses a publishable value: everybody can read it', async () => {
      const { secret } = await keyturn.createKey('default', { kind: 'publishable' })
      expect(faultOf(await readSelf(secret.value), { status: 403, code: 'publishable_key_refused' })).toBeNull()
    })
  })
})
