import { type Expiration, readToken } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCalendars } from '../support/calendars.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

const day = 86_400
const dayMs = 1000 * day
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (claims: object) => `${part({ alg: 'ES256', kid: '2026-1' })}.${part(claims)}.c2lnbmF0dXJl`

describe.each(engines)('a credential that somebody else issued, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  const path = () => `/v1/organizations/${org}/tracked-credentials`
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())
  const begin = async () => {
    org = (await keyturn.createOrganization({ notification_email: 'team@example.com' })).id
  }
  const track = (body: object) => keyturn.request('POST', path(), { body })
  const inDays = (days: number) => Math.floor((keyturn.clock.now() + days * dayMs) / 1000)
  const listed = async (query = 'kind=tracked'): Promise<Expiration[]> =>
    (await keyturn.request('GET', `/v1/organizations/${org}/expirations?${query}`)).body.data
  const actions = async () => {
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events`)
    return body.data.map(({ action }: { action: string }) => action)
  }

  it('is kept by its facts, and the token is never sent', async () => {
    await begin()
    const token = tokenOf({ iss: 'https://issuer.example', sub: 'svc-7', exp: inDays(20), email: 'ada@example.com' })
    const facts = await readToken(token)
    const { status, body } = await track({ name: 'Partner API', owner: 'Ada@Example.com', ...facts })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      name: 'Partner API',
      owner: 'ada@example.com',
      iss: 'https://issuer.example',
      sub: 'svc-7',
      kid: '2026-1',
      fingerprint: facts?.fingerprint,
      expires_at: new Date(1000 * (facts?.exp ?? 0)).toISOString(),
      expired: false,
    })
    expect(await listed()).toEqual([
      expect.objectContaining({
        type: 'expiry',
        status: 'upcoming',
        kind: 'tracked',
        at: body.expires_at,
        tracked_credential_id: body.id,
        issuer: 'https://issuer.example',
        in_use: null,
        key_id: null,
      }),
    ])
    for (const [field, wanted] of [
      ['token', token],
      ['jwt', token],
      ['name', token],
      ['name', `Bearer ${token}`],
      ['sub', token],
      ['purpose', `It is ${token}, keep it`],
    ]) {
      const answer = await track({ name: 'Partner API', never_expires: true, [field ?? '']: wanted })
      expect(faultOf(answer, { status: 400, path: field ?? '' })).toBeNull()
      expect(answer.text).not.toContain(token)
    }
    expect(JSON.stringify(keyturn.log)).not.toContain(token)
  })

  it('is one entry however often it is made known, also by a value that it had before', async () => {
    await begin()
    const later = inDays(95)
    const [first, second] = [tokenOf({ jti: 1, exp: inDays(5) }), tokenOf({ jti: 2, exp: later })]
    const { body: made } = await track({ name: 'Partner API', ...(await readToken(first)) })
    const again = await track({ name: 'Another name', owner: 'eve@example.com', ...(await readToken(first)) })
    expect(again).toMatchObject({ status: 200, body: made })
    const renewed = await keyturn.request('POST', `${path()}/${made.id}/renew`, { body: await readToken(second) })
    expect(renewed.body).toMatchObject({ id: made.id, expires_at: new Date(1000 * later).toISOString() })
    for (const token of [first, second])
      expect((await track({ name: 'Once more', ...(await readToken(token)) })).body).toEqual(renewed.body)
    const sameAgain = await keyturn.request('POST', `${path()}/${made.id}/renew`, { body: await readToken(first) })
    expect(sameAgain).toMatchObject({ status: 200, body: renewed.body })
    const { body: whole } = await keyturn.request('GET', `${path()}/${made.id}`)
    expect(whole.history.map(({ expires_at }: { expires_at: string }) => expires_at)).toEqual([
      renewed.body.expires_at,
      made.expires_at,
    ])
    expect(await listed()).toHaveLength(1)
    expect((await actions()).slice(0, 2)).toEqual(['tracked_credential.renewed', 'tracked_credential.created'])
    const other = await track({ name: 'Other', never_expires: true })
    const taken = await keyturn.request('POST', `${path()}/${other.body.id}/renew`, { body: await readToken(first) })
    expect(faultOf(taken, { status: 409, code: 'fingerprint_taken' })).toBeNull()
    const many = await readToken(tokenOf({ jti: 3 }))
    const answers = await Promise.all(Array.from({ length: 6 }, () => track({ name: 'At once', ...many })))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  })

  it('may be a name, an owner and an end, and nothing more', async () => {
    await begin()
    const { body } = await track({ name: 'TLS certificate', expires_at: '2031-05-01T12:00:00+02:00' })
    expect(body).toMatchObject({ owner: 'team@example.com', expires_at: '2031-05-01T10:00:00.000Z', fingerprint: null })
    const { body: forever } = await track({
      name: 'Old token',
      owner: null,
      ...(await readToken(tokenOf({ iss: 'a' }))),
    })
    expect(forever).toMatchObject({ expires_at: null, owner: null, expired: false })
    expect((await listed()).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'TLS certificate upcoming',
      'Old token never',
    ])
    for (const ends of [{}, { exp: 1, never_expires: true }, { expires_at: '2031-05-01T12:00:00Z', exp: 5 }])
      expect(faultOf(await track({ name: 'x y', ...ends }), { status: 400, path: 'expires_at' })).toBeNull()
  })

  it('is in the calendar, moves there when it is renewed, and is cancelled when it is forgotten', async () => {
    await begin()
    const { body: made } = await track({ name: 'Certificate', exp: inDays(40) })
    const read = async () => {
      const { text } = await keyturn.request('GET', `/v1/organizations/${org}/expirations.ics`)
      const [[event], other] = readCalendars(text)
      expect([event]).toEqual(other)
      return event
    }
    const before = await read()
    expect(before).toMatchObject({ uid: `${made.id}.end@keyturn`, sequence: 0, alarms: [7 * day, day] })
    const exp = inDays(400)
    await keyturn.request('POST', `${path()}/${made.id}/renew`, { body: { exp } })
    expect(await read()).toMatchObject({
      uid: before?.uid,
      sequence: 1,
      start: new Date(1000 * exp).toISOString(),
    })
    expect((await keyturn.request('DELETE', `${path()}/${made.id}`)).status).toBe(204)
    expect(await read()).toMatchObject({ uid: before?.uid, sequence: 2, status: 'CANCELLED' })
    expect(await listed()).toEqual([])
    for (const [method, at] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/renew'],
    ] as const) {
      const options = method === 'POST' ? { body: { never_expires: true } } : {}
      const answer = await keyturn.request(method, `${path()}/${made.id}${at}`, options)
      expect(faultOf(answer, { status: 404, code: 'tracked_credential_not_found' })).toBeNull()
    }
  })

  it('that was forgotten leaves its fingerprint to another entry', async () => {
    await begin()
    const facts = await readToken(tokenOf({ jti: 9 }))
    const { body: first } = await track({ name: 'First', ...facts })
    await keyturn.request('DELETE', `${path()}/${first.id}`)
    const second = await track({ name: 'Second', ...facts })
    expect(second).toMatchObject({ status: 201, body: { name: 'Second' } })
    expect(second.body.id).not.toBe(first.id)
  })

  it('is there for whoever reaches its project, and of no project for whoever reaches all', async () => {
    await begin()
    const [own, other] = [await keyturn.createProject(org), await keyturn.createProject(org)]
    const { body: near } = await track({ name: 'Near', project: own.slug, never_expires: true })
    const { body: far } = await track({ name: 'Far', project: other.id, never_expires: true })
    const { body: whole } = await track({ name: 'Whole', never_expires: true })
    const scopes = ['keys:read', 'keys:write']
    const { secret } = await keyturn.createManagementKey(org, { scopes, projects: [own.id] })
    const key = secret.value
    const names = async (at: string) =>
      (await keyturn.request('GET', at, { key })).body.data.map(({ name }: { name: string }) => name)
    expect(await names(path())).toEqual(['Near'])
    expect(await names(`/v1/organizations/${org}/expirations?kind=tracked`)).toEqual(['Near'])
    for (const { id } of [far, whole])
      expect((await keyturn.request('GET', `${path()}/${id}`, { key })).body.code).toBe('tracked_credential_not_found')
    expect((await keyturn.request('GET', `${path()}/${near.id}`, { key })).status).toBe(200)
    const refused = await keyturn.request('POST', path(), { key, body: { name: 'Of all', never_expires: true } })
    expect(refused.body.code).toBe('whole_organization_required')
    const elsewhere = { name: 'There', never_expires: true, project: other.id }
    expect((await keyturn.request('POST', path(), { key, body: elsewhere })).body.code).toBe('project_not_found')
    const foreign = await keyturn.createProject((await keyturn.createOrganization()).id)
    expect((await track({ name: 'There', never_expires: true, project: foreign.id })).body.code).toBe(
      'project_not_found',
    )
  })

  it('is renamed and given to another owner, on record', async () => {
    await begin()
    const { body: made } = await track({ name: 'Stripe', owner: 'ada@example.com', never_expires: true })
    const edit = (body: object) => keyturn.request('PATCH', `${path()}/${made.id}`, { body })
    expect((await edit({ name: '=1+1', owner: 'grace@example.com', contact: null })).body).toMatchObject({
      name: '=1+1',
      owner: 'grace@example.com',
    })
    await edit({ name: '=1+1' })
    expect((await actions()).filter((action: string) => action === 'tracked_credential.updated')).toHaveLength(1)
    const csv = await keyturn.request('GET', `/v1/organizations/${org}/expirations.csv?kind=tracked`)
    expect(csv.text).toContain("'=1+1,grace@example.com")
    expect((await keyturn.request('GET', `${path()}?owner=grace@example.com`)).body.data).toHaveLength(1)
    expect((await keyturn.request('GET', `${path()}?owner=ada@example.com`)).body.data).toEqual([])
  })
})
