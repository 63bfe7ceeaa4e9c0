import { type IncomingHttpHeaders, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const day = 86_400
const dayMs = 1000 * day

describe.each(engines)('an end that comes near, in the traffic, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  async function begin(policy: object = {}) {
    org = (await keyturn.createOrganization()).id
    await keyturn.request('PATCH', `/v1/organizations/${org}`, {
      body: { policy: { allow_never_expires: true, ...policy } },
    })
    project = (await keyturn.createProject(org)).id
  }
  interface Told {
    readonly code: string | null
    readonly end: string | null
    readonly warning: string | null
  }
  /** What verify, the framework behind it, a connection that is not kept, and authorize say: the same. Asked twice, as texts are kept. */
  async function ask(value: string, demand: object = {}): Promise<Told> {
    const told: Told[] = []
    const others: Record<string, string>[] = [{}, {}, { 'content-type': 'application/json; charset=utf-8' }]
    for (const headers of others) {
      const answer = await keyturn.request('POST', '/v1/verify', { body: { key: value, ...demand }, headers })
      told.push(toldBy(answer.body.code, (name) => answer.headers.get(name)))
      expect(answer.body.expires_at).toBe(told.at(-1)?.end)
    }
    const closed = await askOnce({ key: value, ...demand })
    told.push(toldBy(closed.code, (name) => closed.headers[name]))
    const query = 'scopes' in demand ? '?scopes=none' : ''
    for (const _ of [1, 2]) {
      const headers = { 'x-keyturn-management-key': keyturn.rootKey, 'x-api-key': value }
      const answer = await fetch(`${keyturn.url}/v1/authorize${query}`, { headers })
      expect(answer.headers.has('x-keyturn-key-warning')).toBe(true)
      told.push(toldBy(answer.headers.get('x-keyturn-code'), (name) => answer.headers.get(name)))
    }
    for (const one of told) expect(one).toEqual(told[0])
    return told[0] as Told
  }
  type Header = (name: string) => string | string[] | null | undefined
  const toldBy = (code: string | null, header: Header): Told => ({
    code,
    end: [header('x-keyturn-key-expires-at')].flat()[0] || null,
    warning: [header('x-keyturn-key-warning')].flat()[0] || null,
  })
  function askOnce(body: object): Promise<{ code: string; headers: IncomingHttpHeaders }> {
    return new Promise((resolve, reject) => {
      const sent = request(`${keyturn.url}/v1/verify`, {
        method: 'POST',
        agent: false,
        headers: {
          authorization: `Bearer ${keyturn.rootKey}`,
          'content-type': 'application/json',
          connection: 'close',
        },
      })
      sent.on('error', reject)
      sent.on('response', (response) => {
        void response.toArray().then((chunks) => {
          resolve({ code: JSON.parse(Buffer.concat(chunks).toString()).code, headers: response.headers })
        }, reject)
      })
      sent.end(JSON.stringify(body))
    })
  }

  it('is told with each verdict, and as a warning inside the last two thresholds, from that very moment on', async () => {
    await begin()
    const { secret } = await keyturn.createKey(project, { expires_in: 30 * day })
    const end = secret.expires_at
    const warning = `This key expires at ${end}. Ask its owner to rotate or extend it before then.`
    expect(await ask(secret.value)).toEqual({ code: 'VALID', end, warning: null })
    keyturn.clock.advance(27 * dayMs - 60_000)
    expect(await ask(secret.value)).toEqual({ code: 'VALID', end, warning: null })
    keyturn.clock.advance(60_000)
    expect(await ask(secret.value)).toEqual({ code: 'VALID', end, warning })
    keyturn.clock.advance(2.9 * dayMs)
    expect(await ask(secret.value)).toEqual({ code: 'VALID', end, warning })
    keyturn.clock.advance(dayMs)
    expect(await ask(secret.value)).toEqual({ code: 'EXPIRED', end, warning: null })
  })

  it('is no longer near once the key was extended, and never comes to one that does not expire', async () => {
    await begin()
    const { key, secret } = await keyturn.createKey(project, { expires_in: 10 * day })
    keyturn.clock.advance(8 * dayMs)
    expect((await ask(secret.value)).warning).toContain('This key expires at')
    const { body } = await keyturn.request('POST', `/v1/keys/${key.id}/extend`, { body: { expires_in: 20 * day } })
    expect(await ask(secret.value)).toEqual({ code: 'VALID', end: body.key.expires_at, warning: null })
    const never = await keyturn.createKey(project, { never_expires: true })
    expect(await ask(never.secret.value)).toEqual({ code: 'VALID', end: null, warning: null })
  })

  it('is told of an old secret from the middle of its overlap on, and not of the new one', async () => {
    await begin()
    const { key, secret } = await keyturn.createKey(project, { expires_in: 300 * day })
    const { body: rotated } = await keyturn.request('POST', `/v1/keys/${key.id}/rotate`, { body: { overlap: 8 * day } })
    expect((await ask(secret.value)).warning).toBeNull()
    keyturn.clock.advance(4 * dayMs + 60_000)
    const told = await ask(secret.value)
    expect(told.warning).toBe(`This secret was replaced and ends at ${told.end}. Change to the new one before then.`)
    expect((await ask(rotated.secret.value)).warning).toBeNull()
  })

  it('goes by the thresholds of the policy, as they are now, and by a third of a short life', async () => {
    await begin()
    const { secret } = await keyturn.createKey(project, { expires_in: 60 * day })
    const short = await keyturn.createKey(project, { expires_in: 3 * 3600 })
    expect((await ask(short.secret.value)).warning).toBeNull()
    keyturn.clock.advance(2.1 * 3_600_000)
    expect((await ask(short.secret.value)).warning).toContain('This key expires at')
    keyturn.clock.advance(46 * dayMs)
    expect((await ask(secret.value)).warning).toBeNull()
    const thresholds = { reminder_thresholds: [19 * day, 15 * day] }
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: thresholds } })
    expect((await ask(secret.value)).warning).toContain('This key expires at')
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { reminder_thresholds: [day] } } })
    expect((await ask(secret.value)).warning).toContain('This key expires at')
    await keyturn.request('PATCH', `/v1/projects/${project}`, {
      body: { policy: { reminder_thresholds: [2 * day, day] } },
    })
    expect((await ask(secret.value)).warning).toBeNull()
  })

  it('is no warning where the call is refused for another reason', async () => {
    await begin()
    const { secret } = await keyturn.createKey(project, { expires_in: 30 * day })
    keyturn.clock.advance(29 * dayMs)
    const told = await ask(secret.value, { scopes: ['none'] })
    expect(told).toEqual({ code: 'INSUFFICIENT_SCOPE', end: secret.expires_at, warning: null })
  })
})
