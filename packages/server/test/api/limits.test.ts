import type { Key, Verdict } from '@keyturn/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nextRefill, periodStart } from '../../src/limits/refill.ts'
import { ask, bearer } from '../proxies/ask.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const dayMs = 86_400_000
const perMinute = (limit: number) => ({ windows: [{ limit, window_seconds: 60 }] })
const daily = (limit: number) => ({ limit, refill: 'daily' as const })

describe.each(anEngine('PostgreSQL'))('limits of keys, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())
  // Noon, so that no test meets a midnight unless it means to.
  beforeEach(() => keyturn.clock.advance(dayMs - ((keyturn.clock.now() - dayMs / 2) % dayMs)))

  const edit = async (key: Key, body: object) => {
    const answer = await keyturn.request<Key>('PATCH', `/v1/keys/${key.id}`, { body })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }
  const codes = async (value: string, calls: number, demand = {}) => {
    const told: string[] = []
    while (told.length < calls) told.push((await keyturn.verify(value, demand)).code)
    return told
  }
  const remaining = ({ rate_limit }: Verdict) => rate_limit?.windows.map((window) => window.remaining)
  const usage = async (key: Key) => (await keyturn.request('GET', `/v1/keys/${key.id}/usage`)).body.quota

  it('are on the key as they were set, shortest window first, and on record', async () => {
    const rate_limit = {
      windows: [
        { limit: 1_000_000_000, window_seconds: 2_592_000 },
        { limit: 1, window_seconds: 1 },
      ],
    }
    const { key } = await keyturn.createKey('default', { rate_limit, quota: daily(5) })
    const inOrder = { windows: rate_limit.windows.toReversed() }
    expect(key).toMatchObject({ rate_limit: inOrder, quota: { ...daily(5), on_outage: 'allow' } })
    // The same in another order is no change.
    const changes = (await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)).body.data
    await edit(key, { rate_limit })
    const strict = { limit: 7, refill: 'monthly', on_outage: 'refuse' }
    expect(await edit(key, { quota: strict })).toMatchObject({ rate_limit: inOrder, quota: strict })
    expect(await edit(key, { rate_limit: null, quota: null })).toMatchObject({ rate_limit: null, quota: null })
    const { body } = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)
    expect(body.data).toHaveLength(changes.length + 2)
    expect(body.data[0]).toMatchObject({ before: { rate_limit: inOrder, quota: strict }, after: { quota: null } })
    expect((await keyturn.createKey('default')).key).toMatchObject({ rate_limit: null, quota: null })
  })

  describe('rate limits', () => {
    it('refuse what is more than a window has, say when it has ended, and let pass from then on', async () => {
      const { secret } = await keyturn.createKey('default', { rate_limit: perMinute(2) })
      const begun = await keyturn.verify(secret.value)
      const resets_at = begun.rate_limit?.windows[0]?.resets_at ?? ''
      expect(begun.rate_limit).toEqual({
        windows: [{ limit: 2, window_seconds: 60, remaining: 1, resets_at }],
        retry_after: null,
      })
      expect(Math.abs(Date.parse(resets_at) - keyturn.clock.now() - 60_000)).toBeLessThan(5_000)
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'RATE_LIMITED'])
      const refused = await keyturn.verify(secret.value)
      expect(refused).toMatchObject({ valid: false, rate_limit: { windows: [{ remaining: 0, resets_at }] } })
      expect(refused.rate_limit?.retry_after).toBeGreaterThan(50)
      expect(refused.hint).toContain(`Try again at ${resets_at}`)
      keyturn.clock.advance(60_000)
      expect(remaining(await keyturn.verify(secret.value))).toEqual([1])
    })

    it('hold all at once, and a call that one window refuses takes from none', async () => {
      const rate_limit = { windows: [...perMinute(3).windows, { limit: 4, window_seconds: 3600 }] }
      const { secret } = await keyturn.createKey('default', { rate_limit })
      expect(await codes(secret.value, 4)).toEqual(['VALID', 'VALID', 'VALID', 'RATE_LIMITED'])
      expect(remaining(await keyturn.verify(secret.value))).toEqual([0, 1])
      keyturn.clock.advance(60_000)
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'RATE_LIMITED'])
      const refused = await keyturn.verify(secret.value)
      expect(remaining(refused)).toEqual([2, 0])
      expect(refused.rate_limit?.retry_after).toBeGreaterThan(3_400)
      expect(refused.hint).toContain('may make 4 calls in 3600 s, and too few of them are left')
    })

    it('count what a call costs; nothing costs nothing and always passes, more than all never does', async () => {
      const { secret } = await keyturn.createKey('default', { rate_limit: perMinute(10) })
      expect(await codes(secret.value, 3, { cost: 4 })).toEqual(['VALID', 'VALID', 'RATE_LIMITED'])
      expect(await codes(secret.value, 3)).toEqual(['VALID', 'VALID', 'RATE_LIMITED'])
      expect(await keyturn.verify(secret.value, { cost: 0 })).toMatchObject({ code: 'VALID' })
      expect(remaining(await keyturn.verify(secret.value, { cost: 0 }))).toEqual([0])
      expect(await keyturn.verify(secret.value, { cost: 11 })).toMatchObject({
        code: 'RATE_LIMITED',
        hint: expect.stringContaining('costs 11: it can never pass'),
        rate_limit: { retry_after: null },
      })
    })

    it('take nothing where anything else refuses, and nothing where somebody asks about the key', async () => {
      const { key, secret } = await keyturn.createKey('default', {
        rate_limit: perMinute(1),
        quota: daily(1),
        scopes: ['read'],
      })
      for (const [demand, code] of [
        [{ scopes: ['write'] }, 'INSUFFICIENT_SCOPE'],
        [{ project: 'another' }, 'WRONG_PROJECT'],
        [{ kinds: ['publishable'] }, 'WRONG_KIND'],
      ] as const)
        expect(await keyturn.verify(secret.value, demand)).toMatchObject({ code, rate_limit: null, quota: null })
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      const { body } = await keyturn.request('POST', '/oauth/introspect', {
        raw: `token=${secret.value}`,
        headers: form,
      })
      expect(body.active).toBe(true)
      expect((await keyturn.request('GET', '/v1/keys/self', { key: secret.value })).status).toBe(200)
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'RATE_LIMITED'])
      // It still is a key, and says so; and what was done to it comes first.
      expect((await keyturn.request('GET', '/v1/keys/self', { key: secret.value })).status).toBe(200)
      await keyturn.request('POST', `/v1/keys/${key.id}/disable`, { body: {} })
      expect(await codes(secret.value, 1)).toEqual(['DISABLED'])
    })

    it('are charged once for a call that is decided again, because the node may not be trusted any more', async () => {
      const { secret } = await keyturn.createKey('default', { rate_limit: perMinute(3), quota: daily(640) })
      expect(await codes(secret.value, 1)).toEqual(['VALID'])
      const { wallTime } = keyturn.clock
      let apart = 0
      // Its clocks part with every look at them, so that no lease is ever held.
      keyturn.clock.wallTime = () => Date.now() + 1000 * ++apart
      try {
        expect(await codes(secret.value, 3)).toEqual(['VALID', 'VALID', 'RATE_LIMITED'])
      } finally {
        keyturn.clock.wallTime = wallTime
      }
      keyturn.clock.advance(60_000)
      expect((await keyturn.verify(secret.value)).quota?.remaining).toBe(636)
    })

    it('are of the key: both its secrets count, and a rotation begins nothing anew', async () => {
      const { key, secret } = await keyturn.createKey('default', { rate_limit: perMinute(3), quota: daily(3) })
      expect(await codes(secret.value, 1)).toEqual(['VALID'])
      const rotated = await keyturn.request('POST', `/v1/keys/${key.id}/rotate`, { body: { overlap: 3600 } })
      expect(await codes(rotated.body.secret.value, 1)).toEqual(['VALID'])
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'RATE_LIMITED'])
      expect(await codes(rotated.body.secret.value, 1)).toEqual(['RATE_LIMITED'])
    })

    it('hold from the next call on where they are changed, against what has passed already', async () => {
      const { key, secret } = await keyturn.createKey('default', { rate_limit: perMinute(1) })
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'RATE_LIMITED'])
      await edit(key, { rate_limit: perMinute(2) })
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'RATE_LIMITED'])
      await edit(key, { rate_limit: null })
      expect(await codes(secret.value, 3)).toEqual(['VALID', 'VALID', 'VALID'])
    })
  })

  describe('quotas', () => {
    it('let exactly so many calls pass until midnight, and say when they are refilled', async () => {
      const { key, secret } = await keyturn.createKey('default', { quota: daily(3) })
      const refills_at = new Date(nextRefill(periodStart(keyturn.clock.now(), 'daily'), 'daily')).toISOString()
      expect((await keyturn.verify(secret.value)).quota).toEqual({
        ...daily(3),
        remaining: 2,
        refills_at,
        retry_after: null,
      })
      expect(await codes(secret.value, 3)).toEqual(['VALID', 'VALID', 'QUOTA_EXCEEDED'])
      const refused = await keyturn.verify(secret.value)
      expect(refused).toMatchObject({ valid: false, rate_limit: null, quota: { remaining: 0, refills_at } })
      expect(refused.quota?.retry_after).toBeGreaterThan(43_000)
      expect(refused.hint).toContain(`It is refilled at ${refills_at}`)
      expect(await usage(key)).toEqual({ ...daily(3), drawn: 3, remaining: 0, refills_at })
      keyturn.clock.advance(dayMs / 2)
      expect(await usage(key)).toMatchObject({ drawn: 0, remaining: 3 })
      expect(await codes(secret.value, 4)).toEqual(['VALID', 'VALID', 'VALID', 'QUOTA_EXCEEDED'])
    })

    it('count months of any length, in UTC', async () => {
      const { secret } = await keyturn.createKey('default', { quota: { limit: 1, refill: 'monthly' } })
      for (let month = 0; month < 3; month++) {
        expect(await codes(secret.value, 2)).toEqual(['VALID', 'QUOTA_EXCEEDED'])
        const end = nextRefill(periodStart(keyturn.clock.now(), 'monthly'), 'monthly')
        keyturn.clock.advance(end - keyturn.clock.now() - 5_000)
        expect(await codes(secret.value, 1)).toEqual(['QUOTA_EXCEEDED'])
        keyturn.clock.advance(5_500)
      }
    })

    it('come after rate limits, and whoever of the two refuses leaves the other whole', async () => {
      const limits = { rate_limit: perMinute(2), quota: daily(3) }
      const { key, secret } = await keyturn.createKey('default', limits)
      expect(await codes(secret.value, 3)).toEqual(['VALID', 'VALID', 'RATE_LIMITED'])
      expect((await usage(key)).drawn).toBe(2)
      keyturn.clock.advance(60_000)
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'QUOTA_EXCEEDED'])
      expect(remaining(await keyturn.verify(secret.value))).toEqual([1])
      expect(await keyturn.verify(secret.value, { cost: 4 })).toMatchObject({ code: 'RATE_LIMITED', quota: null })
    })

    it('hold from the next call on where they are changed', async () => {
      const { key, secret } = await keyturn.createKey('default', { quota: daily(1_000) })
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'VALID'])
      await edit(key, { quota: daily(3) })
      expect(await codes(secret.value, 2)).toEqual(['VALID', 'QUOTA_EXCEEDED'])
      await edit(key, { quota: null })
      expect(await codes(secret.value, 1)).toEqual(['VALID'])
      expect(await usage(key)).toBeNull()
    })

    it('of 64 calls at once let exactly as many pass as are left', async () => {
      const { secret } = await keyturn.createKey('default', { quota: daily(50), rate_limit: perMinute(64) })
      const told = await Promise.all(Array.from({ length: 64 }, () => keyturn.verify(secret.value)))
      expect(told.filter(({ code }) => code === 'VALID')).toHaveLength(50)
      expect(told.filter(({ code }) => code === 'QUOTA_EXCEEDED')).toHaveLength(14)
      // Those took nothing from the windows, either.
      expect(remaining(await keyturn.verify(secret.value, { cost: 0 }))).toEqual([14])
    })
  })

  describe('in headers', () => {
    const limits = { rate_limit: { windows: [{ limit: 2, window_seconds: 60 }] }, quota: daily(5) }
    const policy = '"60s";q=2;w=60, "daily";q=5'

    it('are handed on by verify under names of our own, on the quick way and through the framework', async () => {
      const { secret } = await keyturn.createKey('default', limits)
      const raw = JSON.stringify({ key: secret.value })
      const told = []
      for (const type of ['application/json', 'application/json; charset=utf-8', 'application/json'])
        told.push(await keyturn.request('POST', '/v1/verify', { raw, headers: { 'content-type': type } }))
      const left = told.map(({ headers }) => headers.get('x-keyturn-ratelimit')?.replaceAll(/t=\d+/g, 't'))
      expect(left).toEqual(['"60s";r=1;t, "daily";r=4;t', '"60s";r=0;t, "daily";r=3;t', '"60s";r=0;t'])
      expect(told.map(({ body }) => body.code)).toEqual(['VALID', 'VALID', 'RATE_LIMITED'])
      const { headers, body } = told[2] ?? { headers: new Headers(), body: null }
      expect(headers.get('x-keyturn-ratelimit-policy')).toBe('"60s";q=2;w=60')
      expect(headers.get('x-keyturn-retry-after')).toBe(String(body.rate_limit.retry_after))
      for (const name of ['ratelimit', 'ratelimit-policy', 'retry-after']) expect(headers.get(name)).toBeNull()
    })

    it('go to a proxy with 429, with a status that it passes on, and empty where there are none', async () => {
      const { secret } = await keyturn.createKey('default', limits)
      const question = { headers: bearer(secret.value) }
      const passed = await ask(keyturn, question)
      expect([passed.status, passed.missing]).toEqual([200, []])
      expect(passed.headers).toMatchObject({ 'x-keyturn-ratelimit-policy': policy, 'ratelimit-policy': policy })
      expect(passed.headers['x-keyturn-ratelimit']).toMatch(/^"60s";r=1;t=(60|59), "daily";r=4;t=\d+$/)
      expect(passed.headers['x-keyturn-retry-after']).toBe('')
      await ask(keyturn, question)
      const refused = await ask(keyturn, question)
      expect([refused.status, refused.code, refused.missing]).toEqual([429, 'RATE_LIMITED', []])
      const seconds = refused.headers['x-keyturn-retry-after']
      expect(Number(seconds)).toBeGreaterThan(50)
      expect(refused.headers).toMatchObject({
        'retry-after': seconds,
        ratelimit: refused.headers['x-keyturn-ratelimit'],
      })
      const mapped = await ask(keyturn, { ...question, path: '/v1/authorize?statuses=401,403' })
      expect([mapped.status, mapped.code]).toEqual([403, 'RATE_LIMITED'])
      expect(mapped.headers).not.toHaveProperty('retry-after')
      const free = await ask(keyturn, { headers: bearer((await keyturn.createKey('default')).secret.value) })
      expect(free.missing).toEqual([])
      expect(free.headers).toMatchObject({ 'x-keyturn-ratelimit': '', 'x-keyturn-ratelimit-policy': '' })
      for (const name of ['ratelimit', 'ratelimit-policy', 'retry-after']) expect(free.headers).not.toHaveProperty(name)
    })
  })

  describe('refuse what is no limit', () => {
    const windows = (...list: unknown[]) => ({ rate_limit: { windows: list } })
    const good = { limit: 1, window_seconds: 1 }
    const wrong: [string, object][] = [
      ['rate_limit', { rate_limit: 5 }],
      ['rate_limit.windows', { rate_limit: {} }],
      ['rate_limit.windows', windows()],
      ['rate_limit.windows', windows(...[1, 2, 3, 4, 5, 6].map((window_seconds) => ({ limit: 1, window_seconds })))],
      ['rate_limit.windows', windows(good, { limit: 2, window_seconds: 1 })],
      ['rate_limit.windows.0.limit', windows({ window_seconds: 1 })],
      ...[0, -1, 1.5, 1_000_000_001, '5', null].map((limit): [string, object] => [
        'rate_limit.windows.0.limit',
        windows({ ...good, limit }),
      ]),
      ...[0, 2_592_001, 0.5, '60'].map((window_seconds): [string, object] => [
        'rate_limit.windows.0.window_seconds',
        windows({ ...good, window_seconds }),
      ]),
      ['rate_limit.windows.0.burst', windows({ ...good, burst: 1 })],
      ['rate_limit.name', { rate_limit: { windows: [good], name: 'x' } }],
      ['quota', { quota: 100 }],
      ...[0, 1_000_000_001, 1.5, '5', null].map((limit): [string, object] => [
        'quota.limit',
        { quota: { ...daily(1), limit } },
      ]),
      ['quota.refill', { quota: { limit: 1 } }],
      ['quota.refill', { quota: { limit: 1, refill: 'weekly' } }],
      ['quota.on_outage', { quota: { ...daily(1), on_outage: 'maybe' } }],
      ['quota.window', { quota: { ...daily(1), window: 1 } }],
    ]

    it('on creation and on change, name the field, and change nothing', async () => {
      const { key } = await keyturn.createKey('default', { rate_limit: perMinute(1), quota: daily(1) })
      await expectNothingChanged(keyturn, async () => {
        for (const [path, body] of wrong) {
          const created = await keyturn.request('POST', '/v1/projects/default/keys', { body: { name: 'X', ...body } })
          const edited = await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body })
          for (const answer of [created, edited])
            expect([path, body, faultOf(answer, { status: 400, code: 'invalid_request', path })]).toEqual([
              path,
              body,
              null,
            ])
        }
      })
    })

    it('of a verdict', async () => {
      const { secret } = await keyturn.createKey('default')
      for (const cost of [-1, 1.5, 1_000_001, '1', null]) {
        const answer = await keyturn.request('POST', '/v1/verify', { body: { key: secret.value, cost } })
        expect(faultOf(answer, { status: 400, code: 'invalid_request', path: 'cost' })).toBeNull()
      }
    })

    it('on a management key, about which no verdict is asked', async () => {
      const { key } = await keyturn.createManagementKey('default')
      for (const [path, value] of Object.entries({ rate_limit: perMinute(1), quota: daily(1) })) {
        const answer = await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { [path]: value } })
        expect(faultOf(answer, { status: 400, code: 'invalid_request', path })).toBeNull()
      }
      await edit(key, { rate_limit: null, quota: null })
    })
  })
})
