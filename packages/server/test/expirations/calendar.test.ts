import type { Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ReadEvent, readCalendars } from '../support/calendars.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

const day = 86_400
const dayMs = 1000 * day

describe.each(anEngine('PGlite'))('a calendar feed, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_PUBLIC_URL: 'https://keys.example.com' })
  })
  afterAll(() => keyturn.stop())

  async function begin(policy: object = {}) {
    org = (await keyturn.createOrganization()).id
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy } })
    project = (await keyturn.createProject(org)).id
  }
  const post = (key: Key, action: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${action}`, { body })
  const makeToken = async (body: object = {}) =>
    (await keyturn.request('POST', `/v1/organizations/${org}/feed-tokens`, { body: { name: 'Team', ...body } })).body
  /** As a calendar does: by the address alone. */
  const fetchFeed = (url: string) => keyturn.request('GET', url.replace('https://keys.example.com', ''), { key: null })

  /** By UID. Both programs have read the same. */
  async function read(url?: string): Promise<Map<string, ReadEvent>> {
    const { status, text, headers } = await fetchFeed(url ?? (await makeToken()).url)
    expect(status, text).toBe(200)
    expect(headers.get('content-type')).toBe('text/calendar; charset=utf-8')
    const [one, other] = readCalendars(text)
    expect(one).toEqual(other)
    return new Map(one.map((event) => [event.uid, event]))
  }

  it('has an event for each end and each rotation that is due, with an alarm, and none for what never ends', async () => {
    await begin({ rotate_every: 90 * day, allow_never_expires: true })
    const { key, secret } = await keyturn.createKey(project, {
      name: 'Zapier, production',
      owner: 'ada@example.com',
      expires_in: 60 * day,
    })
    const never = await keyturn.createKey(project, { name: 'For ever', never_expires: true })
    const short = await keyturn.createKey(project, { name: 'Short', expires_in: 3600 })
    const events = await read()
    const end = events.get(`${secret.id}.end@keyturn`)
    expect(end).toMatchObject({
      summary: 'Expires: Zapier, production',
      status: 'CONFIRMED',
      start: secret.expires_at?.replace(/\.\d+Z/, '.000Z'),
      alarms: [3 * day, day],
    })
    for (const word of [key.id, secret.hint, 'ada@example.com', 'Not called']) expect(end?.description).toContain(word)
    expect(end?.description).not.toContain(secret.value)
    expect(events.get(`${secret.id}.rotation@keyturn`)?.summary).toBe('Rotation due: Zapier, production')
    expect(events.get(`${short.secret.id}.end@keyturn`)?.alarms).toEqual([1200])
    expect(events.has(`${never.secret.id}.end@keyturn`)).toBe(false)
    expect(events.has(`${never.secret.id}.rotation@keyturn`)).toBe(true)
    keyturn.clock.advance(2 * 3_600_000)
    expect((await read()).get(`${short.secret.id}.end@keyturn`)?.description).toContain('It has ended.')
    keyturn.clock.advance(31 * dayMs)
    expect((await read()).has(`${short.secret.id}.end@keyturn`)).toBe(false)
  })

  it('keeps the UID of an event through every change, and its SEQUENCE goes up', async () => {
    await begin({ rotate_every: 90 * day })
    const { key, secret } = await keyturn.createKey(project, { expires_in: 30 * day })
    const [endId, rotationId] = [`${secret.id}.end@keyturn`, `${secret.id}.rotation@keyturn`]
    const seen = [await read()]
    await post(key, 'extend', { expires_in: 60 * day })
    seen.push(await read())
    await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { name: 'Renamed' } })
    seen.push(await read())
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: { rotate_every: 50 * day } } })
    seen.push(await read())
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { rotate_every: 40 * day } } })
    seen.push(await read())
    for (const id of [endId, rotationId]) {
      const sequences = seen.map((events) => events.get(id)?.sequence ?? -1)
      expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b))
    }
    expect(new Set(seen.map((events) => events.get(rotationId)?.start)).size).toBe(3)
    expect(seen.at(-1)?.get(endId)?.summary).toBe('Expires: Renamed')
    // Nothing happened since, and nothing has changed.
    expect(await read()).toEqual(seen.at(-1))
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { name: 'Acme, Inc.; <b>' } })
    expect(await read()).toEqual(seen.at(-1))

    const { body: rotated } = await post(key, 'rotate', { overlap: 5 * day })
    const after = await read()
    expect(after.get(endId)).toMatchObject({ summary: 'Old secret ends: Renamed', status: 'CONFIRMED' })
    expect(after.get(endId)?.sequence).toBeGreaterThan(seen.at(-1)?.get(endId)?.sequence ?? Infinity)
    expect(after.get(rotationId)?.status).toBe('CANCELLED')
    expect(after.get(`${rotated.secret.id}.rotation@keyturn`)?.status).toBe('CONFIRMED')
  })

  it('says of what was revoked, finished or deleted that it comes no more, for 90 days', async () => {
    await begin()
    const revoked = await keyturn.createKey(project, { name: 'Revoked', expires_in: 200 * day })
    const deleted = await keyturn.createKey(project, { name: 'Deleted', expires_in: 200 * day })
    const finished = await keyturn.createKey(project, { name: 'Finished', expires_in: 200 * day })
    const { url } = await makeToken()
    const before = await read(url)
    await post(revoked.key, 'revoke')
    await keyturn.request('DELETE', `/v1/keys/${deleted.key.id}?confirm=DELETE`)
    await post(finished.key, 'rotate', { overlap: 0 })
    const after = await read(url)
    for (const { secret } of [revoked, deleted, finished]) {
      const id = `${secret.id}.end@keyturn`
      expect(after.get(id)).toMatchObject({ status: 'CANCELLED', start: before.get(id)?.start, alarms: [] })
      expect(after.get(id)?.sequence).toBeGreaterThan(before.get(id)?.sequence ?? Infinity)
    }
    expect(after.get(`${revoked.secret.id}.end@keyturn`)?.summary).toBe('Cancelled: Revoked')
    expect(JSON.stringify([...after.values()])).not.toContain('Deleted')
    keyturn.clock.advance(91 * dayMs)
    expect((await read(url)).has(`${revoked.secret.id}.end@keyturn`)).toBe(false)
  })

  it('is whole, however many events there are', async () => {
    await begin({ max_active_keys: 1000 })
    for (let made = 0; made < 11; made++)
      await Promise.all(Array.from({ length: 20 }, () => keyturn.createKey(project, { expires_in: 30 * day })))
    expect((await read()).size).toBe(220)
  })

  it('is narrowed by the same parameters as the list', async () => {
    await begin()
    await keyturn.createKey(project, { name: 'Of Ada', owner: 'ada@example.com' })
    await keyturn.createKey(project, { name: 'Of Grace', owner: 'grace@example.com' })
    const { url } = await makeToken()
    const names = async (query: string) => [...(await read(`${url}${query}`)).values()].map(({ summary }) => summary)
    expect(await names('&owner=ada@example.com')).toEqual(['Expires: Of Ada'])
    expect(await names('&type=rotation_due')).toEqual([])
    expect(await names('&in_use=true')).toEqual([])
    expect(faultOf(await fetchFeed(`${url}&within=30d`), { status: 400, path: 'within' })).toBeNull()
    expect(faultOf(await fetchFeed(`${url}&project=nothing`), { status: 404 })).toBeNull()
  })

  describe('its token', () => {
    it('is in one answer and in no log, and reads the feed and nothing else, until it is revoked', async () => {
      await begin()
      const token = await makeToken()
      expect(token.url).toMatch(
        /^https:\/\/keys\.example\.com\/v1\/organizations\/org_\w+\/expirations\.ics\?token=kt_feed_[0-9A-Za-z]{38}$/,
      )
      const value = token.url.split('token=')[1]
      await read(token.url)
      const list = await keyturn.request('GET', `/v1/organizations/${org}/feed-tokens`)
      expect(list.body.data).toEqual([
        expect.objectContaining({ id: token.id, name: 'Team', last_used_at: expect.any(String), revoked_at: null }),
      ])
      const { rows } = await keyturn.database.reader.executeQuery<object>(
        keyturn.database.reader.selectFrom('feed_tokens').selectAll().compile(),
      )
      expect(JSON.stringify([rows, list.body, keyturn.log])).not.toContain(value)
      const path = `/v1/organizations/${org}/expirations`
      for (const answer of [
        await keyturn.request('GET', path, { key: value }),
        await keyturn.request('GET', `${path}.ics`, { key: value }),
      ])
        expect(faultOf(answer, { status: 401, code: 'invalid_token' })).toBeNull()
      expect((await keyturn.request('GET', `${path}?token=${value}`, { key: null })).status).toBe(401)
      expect((await keyturn.verify(value)).code).toBe('NOT_FOUND')

      const at = `/v1/organizations/${org}/feed-tokens/${token.id}`
      expect((await keyturn.request('DELETE', at)).status).toBe(204)
      expect(faultOf(await fetchFeed(token.url), { status: 403, code: 'invalid_feed_token' })).toBeNull()
      expect((await keyturn.request('DELETE', at)).status).toBe(204)
      const events = await keyturn.request('GET', `/v1/organizations/${org}/audit-events`)
      const actions = events.body.data.map(({ action }: { action: string }) => action)
      expect(actions.filter((action: string) => action.startsWith('feed_token'))).toEqual([
        'feed_token.revoked',
        'feed_token.created',
      ])
    })

    it('reads what its maker reached, of its own organization alone', async () => {
      await begin()
      const other = await keyturn.createProject(org)
      await keyturn.createKey(project, { name: 'Near' })
      await keyturn.createKey(other.id, { name: 'Far' })
      await keyturn.createManagementKey(org, { name: 'Pipeline' })
      const bound = await keyturn.createManagementKey(org, {
        name: 'Bound',
        scopes: ['keys:read', 'keys:write'],
        projects: [project],
      })
      const path = `/v1/organizations/${org}/feed-tokens`
      const key = bound.secret.value
      const { body: own } = await keyturn.request('POST', path, { key, body: { name: 'Own' } })
      const names = async (url: string) => [...(await read(url)).values()].map(({ summary }) => summary).toSorted()
      expect(await names(own.url)).toEqual(['Expires: Near'])
      const whole = await makeToken()
      expect(await names(whole.url)).toEqual(['Expires: Bound', 'Expires: Far', 'Expires: Near', 'Expires: Pipeline'])
      const tooFar = await keyturn.request('POST', path, { key, body: { name: 'Own', projects: [other.id] } })
      expect(faultOf(tooFar, { status: 404, code: 'project_not_found' })).toBeNull()
      const listed = await keyturn.request('GET', path, { key })
      expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([own.id])
      const revoking = await keyturn.request('DELETE', `${path}/${whole.id}`, { key })
      expect(faultOf(revoking, { status: 404, code: 'feed_token_not_found' })).toBeNull()
      const foreign = (await keyturn.createOrganization()).id
      expect((await fetchFeed(whole.url.replace(org, foreign))).body.code).toBe('organization_not_found')
      const reader = await keyturn.createManagementKey(org, { scopes: ['keys:read'] })
      const refused = await keyturn.request('POST', path, { key: reader.secret.value, body: { name: 'Mine' } })
      expect(refused.body.code).toBe('insufficient_scope')
    })

    it('is made once by a repeated request, and its address is given again for ten minutes', async () => {
      await begin()
      const ask = () =>
        keyturn.request('POST', `/v1/organizations/${org}/feed-tokens`, {
          body: { name: 'Once' },
          headers: { 'idempotency-key': 'once' },
        })
      const first = await ask()
      expect((await ask()).body).toEqual(first.body)
      keyturn.clock.advance(11 * 60_000)
      expect((await ask()).body).toEqual({ ...first.body, url: null })
      expect((await keyturn.request('GET', `/v1/organizations/${org}/feed-tokens`)).body.data).toHaveLength(1)
    })
  })
})
