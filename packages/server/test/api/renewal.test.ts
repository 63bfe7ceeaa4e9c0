import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const hour = 3_600_000
const day = 24 * hour

describe.each(anEngine('PGlite'))('when to renew a secret, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const info = async (key: string) => {
    const answer = await keyturn.request('GET', '/v1/keys/self/renewal-info', { key })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([200, String(answer.body.retry_after)])
    return answer.body
  }
  const rotateSelf = (key: string) => keyturn.request('POST', '/v1/keys/self/rotate', { key })
  const makeProject = async () => (await keyturn.createProject('default')).id
  const make = (project: string, fields: object = {}) =>
    keyturn.createKey(project, { scopes: ['self:rotate'], expires_in: 90 * 86_400, ...fields })
  const renewals = (project: string, body: object, options: object = {}) =>
    keyturn.request('POST', `/v1/projects/${project}/renewals`, { body, ...options })
  const isOpen = async (value: string) => {
    const { suggested_window, now } = await info(value)
    return suggested_window !== null && suggested_window.start <= now
  }

  it('is told to its holder: at two thirds of its life, by the time of the database', async () => {
    const { key, secret } = await make(await makeProject())
    const { suggested_window: window, reason, now, retry_after } = await info(secret.value)
    const since = (time: string) => (Date.parse(time) - Date.parse(key.created_at)) / day
    expect(since(window.start)).toBeGreaterThanOrEqual(60)
    expect(since(window.end)).toBeLessThanOrEqual(67.5)
    expect([reason, retry_after]).toEqual([null, 3600])
    expect(Math.abs(Date.parse(now) - keyturn.clock.now())).toBeLessThan(60_000)
    expect(await isOpen(secret.value)).toBe(false)
    keyturn.clock.advance(64 * day)
    expect(await isOpen(secret.value)).toBe(true)
  })

  it('follows the secret that was presented, through a rotation whose answer was lost', async () => {
    const { secret } = await make(await makeProject())
    const { body: lost } = await rotateSelf(secret.value)
    expect(await isOpen(secret.value)).toBe(true)
    const { body: found } = await rotateSelf(secret.value)
    expect(await isOpen(found.secret.value)).toBe(false)
    const refused = await keyturn.request('GET', '/v1/keys/self/renewal-info', { key: lost.secret.value })
    expect(faultOf(refused, { status: 401, code: 'invalid_token' })).toBeNull()
    expect(refused.body.verdict.code).toBe('REVOKED')
  })

  it('is not told for a publishable value, nor for one that nobody was given', async () => {
    const { secret } = await keyturn.createKey('default', { kind: 'publishable' })
    const ask = (key: string) => keyturn.request('GET', '/v1/keys/self/renewal-info', { key })
    expect(faultOf(await ask(secret.value), { status: 403, code: 'publishable_key_refused' })).toBeNull()
    expect(faultOf(await ask('kt_live_nobody'), { status: 401, code: 'invalid_token' })).toBeNull()
  })

  it('is at once for every secret of a project where an administrator asks for it, and for no later one', async () => {
    const project = await makeProject()
    const [one, another] = [await make(project), await make(project)]
    const elsewhere = await make(await makeProject())
    const { status, body } = await renewals(project, { reason: 'A backup was lost' })
    expect(status).toBe(200)
    expect(body.renewal).toEqual({
      requested_at: expect.any(String),
      renew_by: new Date(Date.parse(body.renewal.requested_at) + day).toISOString(),
      reason: 'A backup was lost',
    })
    expect((await keyturn.request('GET', `/v1/projects/${project}`)).body.renewal).toEqual(body.renewal)
    for (const { secret } of [one, another]) {
      expect(await info(secret.value)).toMatchObject({
        suggested_window: { start: body.renewal.requested_at, end: body.renewal.renew_by },
        reason: 'A backup was lost',
      })
      expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    }
    keyturn.clock.advance(1000)
    const renewed = (await rotateSelf(one.secret.value)).body
    for (const { secret } of [renewed, await make(project), elsewhere]) {
      expect(await isOpen(secret.value)).toBe(false)
      expect((await info(secret.value)).reason).toBeNull()
    }
    expect(await isOpen(another.secret.value)).toBe(true)
  })

  it('may be asked for with a time of its own, again, and once under one Idempotency-Key', async () => {
    const project = await makeProject()
    const at = (ms: number) => new Date(keyturn.clock.now() + ms).toISOString()
    const renew_by = at(3 * hour)
    const headers = { 'idempotency-key': 'incident-7' }
    const first = await renewals(project, { reason: 'first', renew_by }, { headers })
    expect(first.body.renewal).toMatchObject({ reason: 'first', renew_by })
    expect((await renewals(project, { reason: 'first', renew_by }, { headers })).body).toEqual(first.body)
    keyturn.clock.advance(1000)
    expect((await renewals(project, { reason: 'second' })).body.renewal.reason).toBe('second')
    const { body } = await keyturn.request(
      'GET',
      '/v1/organizations/default/audit-events?action=project.renewal_requested&limit=2',
    )
    expect(body.data).toMatchObject([
      { target: { type: 'project', id: project }, after: { reason: 'second' } },
      { target: { type: 'project', id: project }, after: { reason: 'first', renew_by } },
    ])
    await expectNothingChanged(keyturn, async () => {
      for (const ms of [-1000, 31 * day]) {
        const answer = await renewals(project, { reason: 'x', renew_by: at(ms) })
        expect(faultOf(answer, { status: 422, code: 'renew_by_out_of_range' })).toBeNull()
      }
    })
  })

  it('is kept when the project is edited', async () => {
    const project = await makeProject()
    const { body } = await renewals(project, { reason: 'kept' })
    const edited = await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { name: 'Renamed' } })
    expect(edited.body.renewal).toEqual(body.renewal)
  })

  it('tells a holder nothing of the other secret of its key', async () => {
    const { secret } = await make(await makeProject())
    const { body: rotated } = await rotateSelf(secret.value)
    const { body, text } = await keyturn.request('GET', '/v1/keys/self', { key: secret.value })
    expect(body.key).toMatchObject({ rotating: true, secrets: [{ id: secret.id, slot: 'secondary' }] })
    for (const part of [rotated.secret.id, rotated.secret.hint]) expect(text).not.toContain(part)
  })
})
