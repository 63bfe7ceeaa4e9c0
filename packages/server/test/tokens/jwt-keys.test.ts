import { createLocalJWKSet, jwtVerify } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import type { Answer, Keyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { must, prepareKey } from '../support/rotation.ts'
import { expectNothingChanged } from '../support/samples.ts'
import { claimsIn, createTokenKey, headerIn, openIssuer, readJwks, verifyPlainly } from '../support/tokens.ts'

const day = 86_400

describe.each(engines)('a JWT key, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openIssuer(engine)
    project = (await keyturn.createProject('default')).id
  })
  afterAll(() => keyturn.stop())

  const act = (key: { id: string }, to: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${to}`, { body })
  const make = (fields: object = {}) => createTokenKey(keyturn, fields, project)

  it('has no public keys before the first one is made, and nobody keeps that', async () => {
    const { answer, keys } = await readJwks(keyturn)
    expect([keys, answer.headers.get('cache-control')]).toEqual([[], 'no-cache'])
  })

  it('is verified by plain jose with the public keys alone, and says who may do what until when', async () => {
    const { key, secret } = await make({ scopes: ['orders:read', 'orders:write'], environment: 'test' })
    const { answer, keys } = await readJwks(keyturn)
    const options = { algorithms: ['EdDSA'], typ: 'at+jwt', issuer: keyturn.url, audience: project }
    const { payload, protectedHeader } = await jwtVerify(secret.value, createLocalJWKSet({ keys }), options)
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: keys[0]?.kid })
    const iat = Math.floor(Date.parse(secret.created_at) / 1000)
    expect(payload).toEqual({
      iss: keyturn.url,
      aud: project,
      sub: key.id,
      client_id: key.id,
      jti: secret.id,
      iat,
      nbf: iat,
      exp: Date.parse(secret.expires_at ?? '') / 1000,
      environment: 'test',
      scope: 'orders:read orders:write',
      status: { status_list: { idx: expect.any(Number), uri: expect.stringMatching(/\/status-lists\/stl_\w{26}$/) } },
    })
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('publishes public halves, and nothing of the private ones', async () => {
    const { keys } = await readJwks(keyturn)
    const shown = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' }
    expect(keys).toEqual([
      { ...shown, x: expect.stringMatching(/^[\w-]{43}$/), kid: expect.stringMatching(/^sgk_\w{26}$/) },
    ])
  })

  it('is shown once, and kept as a digest', async () => {
    const { key, secret } = await make()
    const { body } = await keyturn.request('GET', `/v1/keys/${key.id}`)
    expect(body.secrets).toMatchObject([{ id: secret.id, value: null, hint: `eyJhbGc…${secret.value.slice(-4)}` }])
    const [, payload = '', signature = ''] = secret.value.split('.')
    const { rows } = await sql<{ text: string }>`select s::text as text from secrets s where id = ${secret.id}
      union all select t::text from tokens t where secret_id = ${secret.id}`.execute(keyturn.database.reader)
    expect(rows).toHaveLength(2)
    for (const { text } of rows) for (const part of [payload, signature]) expect(text).not.toContain(part)
    for (const line of keyturn.log) expect(line).not.toContain(signature)
  })

  it('is known to verify, authorize, introspect and itself like any other', async () => {
    const { key, secret } = await make({ scopes: ['orders:read'] })
    expect(await keyturn.verify(secret.value, { project, scopes: ['orders:read'] })).toMatchObject({
      valid: true,
      key: { id: key.id, kind: 'jwt', scopes: ['orders:read'] },
      secret: { id: secret.id, slot: 'primary' },
      expires_at: secret.expires_at,
    })
    expect((await keyturn.verify(secret.value, { kinds: ['secret'] })).code).toBe('WRONG_KIND')
    const proxy = { 'x-keyturn-management-key': keyturn.rootKey }
    const authorized = await keyturn.request('GET', '/v1/authorize?scopes=orders:read', {
      key: secret.value,
      headers: proxy,
    })
    expect([authorized.status, authorized.headers.get('x-keyturn-key-id')]).toEqual([200, key.id])
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const introspected = await keyturn.request('POST', '/oauth/introspect', {
      raw: `token=${secret.value}`,
      headers: form,
    })
    const { iss, aud, sub, jti, exp, scope, client_id } = claimsIn(secret.value)
    expect(introspected.body).toMatchObject({ active: true, iss, aud, sub, jti, exp, scope, client_id })
    expect((await keyturn.request('GET', '/v1/keys/self', { key: secret.value })).body.key.id).toBe(key.id)
  })

  describe('has the same end in its token and on record', () => {
    const ends = async (answer: Promise<{ key: { secrets: any[] }; secret: any }>) => {
      const { key, secret } = await answer
      const record = key.secrets.find(({ id }) => id === secret.id)
      expect(secret.expires_at).toBe(new Date(claimsIn(secret.value).exp * 1000).toISOString())
      expect(record.expires_at).toBe(secret.expires_at)
      for (const { expires_at, retires_at } of key.secrets) {
        expect(expires_at).toMatch(/\.000Z$/)
        if (retires_at !== null) expect(retires_at <= expires_at && retires_at.endsWith('.000Z')).toBe(true)
      }
      expect((await keyturn.verify(secret.value)).expires_at).toBe(secret.expires_at)
      return Date.parse(secret.expires_at)
    }
    const soon = (fraction: string) =>
      new Date(keyturn.clock.now() + 7 * day * 1000).toISOString().replace(/\d{3}Z$/, fraction)

    it.each([
      ['made without one', () => make()],
      ['made with a number of seconds', () => make({ expires_in: 3600 })],
      ['made with a time in the midst of a second', () => make({ expires_at: soon('999Z') })],
      ['rotated', async () => must(act((await make()).key, 'rotate', { overlap: 3600, expires_in: 3600 }))],
      ['rotated without an overlap', async () => must(act((await make()).key, 'rotate', { overlap: 0 }))],
      [
        'rotated to a time in the midst of a second',
        async () => must(act((await make()).key, 'rotate', { expires_at: soon('500Z'), overlap: 60 })),
      ],
      ['staged', async () => must(act((await make()).key, 'secrets', { expires_in: 40 * day }))],
      [
        'given a new one after its end',
        async () => {
          const { key } = await prepareKey(keyturn, project, 'Z', { kind: 'jwt' })
          return must(act(key, 'rotate'))
        },
      ],
      [
        'rotated by its holder',
        async () => {
          const { secret } = await make({ scopes: ['self:rotate'] })
          return must(keyturn.request('POST', '/v1/keys/self/rotate', { key: secret.value }))
        },
      ],
    ] as const)('when it is %s', async (_, issue) => {
      expect(await ends(issue())).toBeGreaterThan(keyturn.clock.now())
    })

    it('through staging, promoting and cancelling, which change no end', async () => {
      const { key, secret: old } = await make()
      const { secret: staged } = await must(act(key, 'secrets', { expires_in: 30 * day }))
      await must(act(key, 'promote', { overlap: 600 }))
      const promoted = (await keyturn.request('GET', `/v1/keys/${key.id}`)).body
      for (const { id, value } of [old, staged]) {
        const record = promoted.secrets.find((secret: { id: string }) => secret.id === id)
        expect(Date.parse(record.expires_at)).toBe(claimsIn(value).exp * 1000)
        expect((await keyturn.verify(value)).valid).toBe(true)
      }
      await must(act(key, 'cancel', { force: true }))
      expect((await keyturn.verify(old.value)).expires_at).toBe(old.expires_at)
    })

    it('when it is handed over by a claim link, whose page shows it', async () => {
      const { key } = await make()
      const { body: link } = await act(key, 'claim-links')
      const page = await fetch(link.url.replace(/^.*(?=\/claim\/)/, keyturn.url), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'confirm=yes',
      })
      const [value = ''] = /eyJ[\w-]+\.[\w-]+\.[\w-]{86}/.exec(await page.text()) ?? []
      const { secret, expires_at } = await keyturn.verify(value)
      expect(claimsIn(value)).toMatchObject({ jti: secret?.id, exp: Date.parse(expires_at ?? '') / 1000 })
    })

    it('and works to that very second, by either way of asking', async () => {
      const { secret } = await make({ expires_in: 100 })
      const end = claimsIn(secret.value).exp * 1000
      keyturn.clock.advance(end - keyturn.clock.now() - 1000)
      expect((await keyturn.verify(secret.value)).code).toBe('VALID')
      await verifyPlainly(keyturn, secret.value)
      keyturn.clock.advance(1001)
      await expect.poll(async () => (await keyturn.verify(secret.value)).code).toBe('EXPIRED')
      await expect(verifyPlainly(keyturn, secret.value)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
    })
  })

  describe('is refused', () => {
    const expectRefused = async (work: () => Promise<Answer>, status: number, code: string) => {
      let answer: Answer | undefined
      await expectNothingChanged(keyturn, async () => {
        answer = await work()
        expect(faultOf(answer, { status, code })).toBeNull()
      })
      return answer?.body
    }
    const create = (fields: object) =>
      keyturn.request('POST', `/v1/projects/${project}/keys`, {
        body: { name: 'Zapier, tokens', kind: 'jwt', ...fields },
      })

    it('without an end, even where the policy allows keys that never expire', async () => {
      const path = '/v1/organizations/default'
      await keyturn.request('PATCH', path, { body: { policy: { allow_never_expires: true } } })
      await expectRefused(() => create({ never_expires: true }), 422, 'jwt_must_expire')
      await keyturn.request('PATCH', path, { body: { policy: { allow_never_expires: null } } })
    })

    it('with an end in this very second, of which whole seconds leave nothing', () =>
      expectRefused(
        () => create({ expires_at: new Date(Math.floor(keyturn.clock.now() / 1000) * 1000 + 999).toISOString() }),
        422,
        'expires_in_the_past',
      ))

    it('with a longer life than the policy allows', () =>
      expectRefused(() => create({ expires_in: 800 * day }), 422, 'max_lifetime_exceeded'))

    it('with more scopes than a token holds, at creation and when they are edited', async () => {
      const scopes = (count: number) => Array.from({ length: count }, (_, at) => `${at}:`.padEnd(100, 'x'))
      await expectRefused(() => create({ scopes: scopes(30) }), 422, 'jwt_too_long')
      const { key, secret } = await make({ scopes: scopes(20) })
      expect((await keyturn.verify(secret.value, { scopes: scopes(20) })).code).toBe('VALID')
      const edit = () => keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { scopes: scopes(30) } })
      await expectRefused(edit, 422, 'jwt_too_long')
    })

    it('a later end: its token would say another, and what helps is a new one', async () => {
      const { key, secret } = await make({ expires_in: 10 * day })
      const later = { expires_in: 20 * day }
      expect(await expectRefused(() => act(key, 'extend', later), 409, 'jwt_expiry_is_in_the_token')).toMatchObject({
        secret: secret.id,
        expires_at: secret.expires_at,
        until: secret.expires_at,
        operations: ['rotate', 'stage'],
      })
      await expectRefused(() => act(key, 'extend', { expires_in: day }), 409, 'jwt_expiry_is_in_the_token')
      const { secret: staged } = await must(act(key, 'secrets', { expires_in: 15 * day }))
      const slot = { slot: 'secondary', ...later }
      expect(await expectRefused(() => act(key, 'extend', slot), 409, 'jwt_expiry_is_in_the_token')).toMatchObject({
        secret: staged.id,
        operations: ['promote', 'cancel'],
      })
      const same = await act(key, 'extend', { expires_at: secret.expires_at })
      expect(same.status).toBe(200)
    })

    it('a later end of its overlap than that of its token, up to which the overlap moves', async () => {
      const { key, secret: old } = await make({ expires_in: 5 * day })
      await must(act(key, 'rotate', { overlap: day }))
      const move = (expires_at: string | null) => act(key, 'extend', { slot: 'secondary', expires_at })
      const beyond = new Date(Date.parse(old.expires_at ?? '') + 1000).toISOString()
      expect(await expectRefused(() => move(beyond), 409, 'jwt_expiry_is_in_the_token')).toMatchObject({
        operations: ['finish', 'cancel'],
      })
      const { key: moved } = await must(move(old.expires_at))
      expect(moved.secrets.find(({ id }) => id === old.id)?.retires_at).toBe(old.expires_at)
      await expectRefused(() => act(key, 'extend', { slot: 'secondary', expires_in: 60 }), 409, 'would_shorten')
    })

    it('an overlap that outlives its token: that is cut to it', async () => {
      const { key, secret: old } = await make({ expires_in: 2 * day })
      const { key: rotated } = await must(act(key, 'rotate', { overlap: 7 * day }))
      expect(rotated.secrets.find(({ id }) => id === old.id)?.retires_at).toBe(old.expires_at)
    })
  })

  it('whose scopes are edited says so: verify goes by the new ones, the token keeps the old until it is rotated', async () => {
    const { key, secret } = await make({ scopes: ['orders:read'] })
    const edit = (body: object) => keyturn.request('PATCH', `/v1/keys/${key.id}`, { body })
    const warnings = ({ body }: Answer) => body.warnings.map(({ code }: { code: string }) => code)
    expect(warnings(await edit({ name: 'Renamed' }))).not.toContain('token_keeps_scopes')
    expect(warnings(await edit({ scopes: ['orders:write'] }))).toContain('token_keeps_scopes')
    expect((await keyturn.verify(secret.value)).key?.scopes).toEqual(['orders:write'])
    expect(claimsIn(secret.value).scope).toBe('orders:read')
    const { secret: rotated } = await must(act(key, 'rotate'))
    expect(claimsIn(rotated.value)).toMatchObject({ scope: 'orders:write', sub: key.id, jti: rotated.id })
  })

  it('that ends soon is to be rotated, and nowhere to be extended: in the traffic, the calendar, and the next mail', async () => {
    const { key, secret } = await make({ expires_in: 30 * day, owner: 'ada@example.com' })
    keyturn.clock.advance((30 * day - 3600) * 1000)
    const warning = async () => {
      const { headers } = await keyturn.request('POST', '/v1/verify', { body: { key: secret.value } })
      return headers.get('x-keyturn-key-warning')
    }
    await expect.poll(warning, { timeout: 10_000 }).toMatch(/Ask its owner to rotate it before then\.$/)
    const { text } = await keyturn.request('GET', '/v1/organizations/default/expirations.ics')
    const unfolded = text.replaceAll('\r\n ', '')
    const [event = ''] = unfolded.split('BEGIN:VEVENT').filter((one) => one.includes(key.id))
    expect(event).toContain('Rotate the key before then')
    expect(event).not.toMatch(/extend/i)
    const { body } = await keyturn.request('GET', `/v1/keys/${key.id}/reminders/preview`)
    expect(body.next.text).toContain('/rotate')
    expect(body.next.text).not.toMatch(/extend/i)
    const { body: list } = await keyturn.request('GET', '/v1/organizations/default/expirations?kind=jwt&within=2h')
    expect(list.data.map(({ key_id }: { key_id: string }) => key_id)).toContain(key.id)
  })

  it('made twice under one Idempotency-Key is made once, and its token is shown again for ten minutes', async () => {
    const headers = { 'idempotency-key': 'tokens-1' }
    const create = () =>
      keyturn.request('POST', `/v1/projects/${project}/keys`, { body: { name: 'Once', kind: 'jwt' }, headers })
    const count = async () => {
      const { rows } = await sql<{ n: number }>`select count(*) as n from tokens`.execute(keyturn.database.reader)
      return rows[0]?.n
    }
    const first = await create()
    const made = await count()
    const again = await create()
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    keyturn.clock.advance(11 * 60_000)
    const late = await create()
    expect(late.body).toMatchObject({
      key: { id: first.body.key.id },
      secret: { id: first.body.secret.id, value: null },
    })
    expect(late.text).not.toContain(first.body.secret.value)
    expect(await count()).toBe(made)
  })

  it('that is revoked says by when those who verify offline know of it; others say that nobody can', async () => {
    const { key } = await make()
    await must(act(key, 'secrets'))
    for (const body of [{ slot: 'secondary' }, { wait: 'propagated' }, {}]) {
      const before = keyturn.clock.now()
      const { propagation } = (await act(key, 'revoke', body)).body
      const until = Date.parse(propagation.offline_until)
      expect(until).toBeGreaterThanOrEqual(before + 120_000)
      expect(until).toBeLessThanOrEqual(keyturn.clock.now() + 121_000)
    }
    const { key: secretKey } = await keyturn.createKey(project)
    expect((await act(secretKey, 'revoke')).body.propagation).toMatchObject({ offline_until: null })
  })

  it('has a signing key whose id every token names', async () => {
    const { body } = await keyturn.request('GET', '/v1/signing-keys')
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([headerIn((await make()).secret.value).kid])
  })

  describe('that was not copied well', () => {
    it.each([
      ['with a space before it', (token: string) => ` ${token}`, /white space around it/],
      ['in quotes', (token: string) => `"${token}"`, /quotes around it/],
      ['with Bearer before it', (token: string) => `Bearer ${token}`, /`Bearer ` left in it/],
      ['broken by a line', (token: string) => `${token.slice(0, 200)}\n${token.slice(200)}`, /white space in it/],
      ['without its last character', (token: string) => token.slice(0, -1), /cut off/],
      ['without its signature', (token: string) => token.replace(/[^.]*$/, ''), /cut off/],
      ['cut in the midst of what it says', (token: string) => token.slice(0, 300), /cut off/],
      ['cut after its header', (token: string) => token.slice(0, token.indexOf('.') + 1), /cut off/],
      ['with something added', (token: string) => `${token}A`, /too long: something was added/],
      ['with a part added', (token: string) => `${token}.e30`, /too long: something was added/],
      ['with a comma in it', (token: string) => `${token.slice(0, 200)},${token.slice(201)}`, /^Character 201 /],
    ] as const)('%s is MALFORMED, and the hint says how', async (_, spoil, hint) => {
      const { secret } = await make()
      const verdict = await keyturn.verify(spoil(secret.value))
      expect(verdict).toMatchObject({ valid: false, code: 'MALFORMED', key: null })
      expect(verdict.hint).toMatch(hint)
      expect(verdict.hint).not.toContain(secret.value.slice(10, 30))
    })

    it.each([
      ['cut in its header', (token: string) => token.slice(0, 60)],
      ['altered in what it says', (token: string) => token.replace(/\.(.{20})./, (_, kept) => `.${kept}_`)],
      ['of somebody else', () => `eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.${'A'.repeat(86)}`],
    ] as const)('%s is NOT_FOUND: nobody knows what it was', async (_, spoil) => {
      const { secret } = await make()
      expect(await keyturn.verify(spoil(secret.value))).toMatchObject({ valid: false, code: 'NOT_FOUND', key: null })
    })
  })

  it('of another organization is NOT_FOUND for whoever does not reach it', async () => {
    const { secret } = await make()
    const { id } = await keyturn.createOrganization()
    const { secret: caller } = await keyturn.createManagementKey(id, { scopes: ['verify'] })
    const { body } = await keyturn.request('POST', '/v1/verify', { key: caller.value, body: { key: secret.value } })
    expect(body).toMatchObject({ code: 'NOT_FOUND', key: null, secret: null, expires_at: null })
  })
})
