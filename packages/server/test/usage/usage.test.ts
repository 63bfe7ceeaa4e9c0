import type { Key, Secret, VerdictCode } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rollUpUsage } from '../../src/usage/read-usage.ts'
import { UseCollector } from '../../src/usage/use-collector.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

const hour = 3_600_000
const day = 24 * hour
type Made = { key: Key; secret: Secret & { value: string } }
interface Usage {
  from: string
  to: string
  data: { at: string; secret_id: string; counts: Partial<Record<VerdictCode, number>> }[]
  last_uses: {
    secret_id: string
    at: string
    address: string
    user_agent: string
    addresses: { address: string; user_agent: string | null }[]
  }[]
}
const sumOf = ({ data }: Usage) =>
  data.flatMap(({ counts }) => Object.values(counts)).reduce((sum, one) => sum + one, 0)

describe.each(engines)('how often a key was called, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const usageOf = async (key: string, query = ''): Promise<Usage> => {
    const answer = await keyturn.request<Usage>('GET', `/v1/keys/${key}/usage${query}`)
    expect([answer.status, answer.text]).toEqual([200, expect.anything()])
    return answer.body
  }
  const now = async () => keyturn.ground.now(keyturn.database.reader)
  const iso = (time: number) => new Date(time).toISOString()
  const hourOf = (time: number) => iso(time - (time % hour))

  it('is counted by hour and verdict, whichever way it was asked', async () => {
    const { key, secret }: Made = await keyturn.createKey('default', { scopes: ['read'] })
    // Not across the full hour in the middle of it.
    const untilNext = hour - ((await now()) % hour)
    if (untilNext < 60_000) keyturn.clock.advance(untilNext)
    const first = await now()
    for (let count = 0; count < 3; count++) await keyturn.verify(secret.value)
    await keyturn.verify(secret.value, { scopes: ['admin'] })
    const headers = { 'x-api-key': secret.value, 'x-keyturn-management-key': keyturn.rootKey }
    await keyturn.request('GET', '/v1/authorize', { key: null, headers })
    await keyturn.request('GET', '/v1/authorize?project=another', { key: null, headers })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    await keyturn.request('POST', '/oauth/introspect', { raw: `token=${secret.value}`, headers: form })
    keyturn.clock.advance(hour)
    await keyturn.request('POST', `/v1/keys/${key.id}/disable`, { body: {} })
    for (let count = 0; count < 2; count++) await keyturn.verify(secret.value)
    await expect.poll(async () => sumOf(await usageOf(key.id)), { timeout: 20_000 }).toBe(9)
    expect((await usageOf(key.id)).data).toEqual([
      { at: hourOf(first), secret_id: secret.id, counts: { VALID: 5, WRONG_PROJECT: 1, INSUFFICIENT_SCOPE: 1 } },
      { at: hourOf(first + hour), secret_id: secret.id, counts: { DISABLED: 2 } },
    ])
    await keyturn.request('POST', `/v1/keys/${key.id}/enable`, { body: {} })
  })

  it('counts nothing for values that no key has', async () => {
    const before = await keyturn.database.reader.selectFrom('usage_hours').select('secret_id').execute()
    for (const value of ['nonsense', keyturn.rootKey]) await keyturn.verify(value)
    const { key, secret }: Made = await keyturn.createKey('default')
    await keyturn.verify(secret.value)
    await expect.poll(async () => sumOf(await usageOf(key.id)), { timeout: 20_000 }).toBe(1)
    const after = await keyturn.database.reader.selectFrom('usage_hours').select('secret_id').execute()
    expect(after).toHaveLength(before.length + 1)
  })

  it('adds up what several nodes have counted, and merges where it was called from', async () => {
    const { key, secret }: Made = await keyturn.createKey('default')
    const [one, other] = [new UseCollector(keyturn.database), new UseCollector(keyturn.database)]
    const start = await now()
    const note = (node: UseCollector, last: number, at: number, agent: string | null, code: VerdictCode = 'VALID') =>
      node.note(key.id, secret.id, code, start + at, last === 0 ? null : `203.0.113.${last}`, agent)
    note(one, 1, 1, 'curl/1')
    note(one, 2, 2, 'curl/2')
    note(one, 3, 3, null)
    note(one, 4, 7, 'curl/4')
    note(other, 2, 5, 'curl/5')
    note(other, 5, 6, 'curl/6')
    note(other, 6, 8, null)
    note(other, 0, 9, null)
    note(other, 9, 9, 'refused', 'EXPIRED')
    note(other, 8, 10, 'refused too', 'INSUFFICIENT_SCOPE')
    note(one, 7, 4, 'curl/7')
    // At once, and the older one last.
    await Promise.all([other.flushAll(), one.flushAll()])
    note(one, 1, 0, 'from the past')
    await one.flushAll()
    const { last_uses, ...usage } = await usageOf(key.id)
    expect(sumOf({ ...usage, last_uses })).toBe(12)
    expect(last_uses).toEqual([
      {
        secret_id: secret.id,
        at: iso(start + 9),
        address: '203.0.113.6',
        user_agent: 'curl/6',
        addresses: (
          [
            [9, 9, 'refused'],
            [6, 8, null],
            [4, 7, 'curl/4'],
            [5, 6, 'curl/6'],
            [2, 5, 'curl/5'],
          ] as const
        ).map(([last, at, user_agent]) => ({ address: `203.0.113.${last}`, at: iso(start + at), user_agent })),
      },
    ])
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.last_used_at).toBe(iso(start + 9))
  })

  it('is written at the end, also what another node held in the first attempt', async () => {
    const { key, secret }: Made = await keyturn.createKey('default')
    const nodes = Array.from({ length: 4 }, () => new UseCollector(keyturn.database))
    const at = await now()
    for (let turn = 0; turn < 10; turn++) {
      for (const node of nodes) node.note(key.id, secret.id, 'VALID', at, null, null)
      await Promise.all(nodes.map((node) => (turn === 9 ? node.flushAll() : node.flush())))
    }
    expect(sumOf(await usageOf(key.id))).toBe(40)
  })

  it('loses nothing when a write fails', async () => {
    const { key, secret }: Made = await keyturn.createKey('default')
    const { reader } = keyturn.database
    const collector = new UseCollector(keyturn.database)
    await sql`alter table usage_hours rename to usage_hours_away`.execute(reader)
    const at = await now()
    collector.note(key.id, secret.id, 'VALID', at, '203.0.113.1', null)
    const failing = collector.flush()
    collector.note(key.id, secret.id, 'VALID', at + 1, '203.0.113.2', null)
    collector.note(key.id, secret.id, 'EXPIRED', at, null, null)
    await expect(failing).rejects.toThrow()
    await sql`alter table usage_hours_away rename to usage_hours`.execute(reader)
    await collector.flush()
    await collector.flush()
    const usage = await usageOf(key.id)
    expect(usage.data.map(({ counts }) => counts)).toEqual([{ VALID: 2, EXPIRED: 1 }])
    expect(usage.last_uses[0]?.addresses.map(({ address }) => address)).toEqual(['203.0.113.2', '203.0.113.1'])
    expect(collector.failedFlushes).toBe(1)
  })

  it('remembers user agents of any kind, cut to a length', async () => {
    const { key, secret }: Made = await keyturn.createKey('default')
    const collector = new UseCollector(keyturn.database)
    collector.note(key.id, secret.id, 'VALID', await now(), '2001:db8::1', `ü"'\\,{}${'x'.repeat(5000)}`)
    await collector.flush()
    const [use] = (await usageOf(key.id)).last_uses
    expect(use?.user_agent).toBe(`ü"'\\,{}${'x'.repeat(193)}`)
  })

  describe('over time', () => {
    let made: Made
    let second: Made
    /** One call each 5 hours of 50 days, and one more of another verdict each 17. */
    beforeAll(async () => {
      ;[made, second] = [await keyturn.createKey('default'), await keyturn.createKey('default')]
      const collector = new UseCollector(keyturn.database)
      const end = await now()
      for (let at = end - 50 * day; at < end; at += 5 * hour)
        collector.note(made.key.id, made.secret.id, 'VALID', at, null, null)
      for (let at = end - 50 * day; at < end; at += 17 * hour)
        collector.note(made.key.id, made.secret.id, 'EXPIRED', at, null, null)
      collector.note(second.key.id, second.secret.id, 'VALID', end - 50 * day, null, null)
      await collector.flush()
    })

    const span = async (ageDays: number, step: string) => {
      const time = await now()
      return `?from=${iso(time - ageDays * day)}&to=${iso(time)}&step=${step}`
    }

    it('old hours become days, and no sum changes; once more changes nothing', async () => {
      const days = await usageOf(made.key.id, await span(60, 'day'))
      const hours = await usageOf(made.key.id, await span(34, 'hour'))
      expect(sumOf(days)).toBe(240 + 71)
      for (let turn = 0; turn < 2; turn++) {
        await rollUpUsage(keyturn.ground)
        expect(await usageOf(made.key.id, await span(60, 'day'))).toMatchObject({ data: days.data })
        expect(await usageOf(made.key.id, await span(34, 'hour'))).toMatchObject({ data: hours.data })
      }
      const { reader } = keyturn.database
      const left = await reader.selectFrom('usage_hours').select('hour').where('key_id', '=', made.key.id).execute()
      const today = (await now()) - ((await now()) % day)
      expect(Math.min(...left.map((row) => row.hour))).toBeGreaterThanOrEqual(today - 35 * day)
      const moved = await reader.selectFrom('usage_days').select('day').where('key_id', '=', made.key.id).execute()
      expect(moved.length).toBeGreaterThan(10)
    })

    it('what came late for a day that is rolled up already is added to it', async () => {
      const collector = new UseCollector(keyturn.database)
      const late = (await now()) - 40 * day
      const before = sumOf(await usageOf(made.key.id, await span(60, 'day')))
      collector.note(made.key.id, made.secret.id, 'VALID', late, null, null)
      await collector.flush()
      await rollUpUsage(keyturn.ground)
      await rollUpUsage(keyturn.ground)
      expect(sumOf(await usageOf(made.key.id, await span(60, 'day')))).toBe(before + 1)
    })

    it('is told for whole steps', async () => {
      const time = Date.UTC(new Date(await now()).getUTCFullYear() + 1, 0, 2, 3, 4, 5)
      const query = (step: string) => `?from=${iso(time - 3 * day)}&to=${iso(time)}&step=${step}`
      const spanOf = ({ from, to }: Usage) => [Date.parse(from), Date.parse(to)].map((at) => (at - time) / hour)
      expect(spanOf(await usageOf(made.key.id, query('day'))).map((at) => Math.round(at * 100) / 100)).toEqual([
        -75.07, 20.93,
      ])
      expect(await usageOf(made.key.id, query('hour'))).toMatchObject({ to: iso(time - 5_000 - 4 * 60_000 + hour) })
    })

    it('is told of the last day by hour, and of the last 30 by day, unless it is said otherwise', async () => {
      const time = await now()
      const [byHour, byDay] = [await usageOf(made.key.id), await usageOf(made.key.id, '?step=day')]
      expect([Date.parse(byHour.to) - Date.parse(byHour.from), Date.parse(byDay.to) - Date.parse(byDay.from)]).toEqual([
        day,
        30 * day,
      ])
      expect(Date.parse(byHour.to)).toBeGreaterThan(time)
      expect(Date.parse(byDay.to)).toBeGreaterThan(time)
    })

    it('is of this key alone', async () => {
      expect(sumOf(await usageOf(second.key.id, await span(60, 'day')))).toBe(1)
    })

    it('days are forgotten after 400', async () => {
      keyturn.clock.advance(349 * day)
      await rollUpUsage(keyturn.ground)
      expect(sumOf(await usageOf(second.key.id, await span(402, 'day')))).toBe(1)
      keyturn.clock.advance(2 * day)
      await rollUpUsage(keyturn.ground)
      expect(sumOf(await usageOf(second.key.id, await span(500, 'day')))).toBe(0)
      expect(sumOf(await usageOf(made.key.id, await span(500, 'day')))).toBeGreaterThan(200)
      const hours = await keyturn.database.reader.selectFrom('usage_hours').selectAll().execute()
      expect(hours).toEqual([])
    })
  })

  describe('wants to be asked rightly:', () => {
    const wrong: [string, string][] = [
      ['?from=yesterday', 'from'],
      ['?from=2026-01-01', 'from'],
      ['?from=', 'from'],
      ['?to=1969-12-31T23:59:59Z', 'to'],
      ['?to=2027-02-30T00:00:00Z', 'to'],
      ['?step=minute', 'step'],
      ['?step=', 'step'],
      ['?step=hour&step=day', 'step'],
      ['?since=2026-01-01T00:00:00Z', 'since'],
      ['?from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z', 'from'],
      ['?from=2027-01-01T00:00:00Z&to=2027-01-01T00:00:00Z', 'from'],
      ['?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z', 'from'],
      ['?from=2020-01-01T00:00:00Z&step=day', 'from'],
      ['?from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z&step=day', 'from'],
    ]
    it.each(wrong)('%s', async (query, path) => {
      const answer = await keyturn.request('GET', `/v1/keys/key_01m7xr9hpztv01xznsg9z36ten/usage${query}`)
      const { key } = await keyturn.createKey('default')
      const ofOwn = await keyturn.request('GET', `/v1/keys/${key.id}/usage${query}`)
      expect(faultOf(ofOwn, { status: 400, code: 'invalid_request', path })).toBeNull()
      expect([400, 404]).toContain(answer.status)
    })

    it('the end of all times is one', async () => {
      const { key } = await keyturn.createKey('default')
      const last = await usageOf(key.id, '?from=9999-12-31T00:00:00Z&to=9999-12-31T23:59:59.999Z&step=hour')
      const first = await usageOf(key.id, '?to=1970-01-01T00:00:00Z&step=day')
      expect([last.data, first.data, first.to]).toEqual([[], [], '1970-01-01T00:00:00.000Z'])
    })

    it('by a caller that reaches the key and may read keys', async () => {
      const { key } = await keyturn.createKey('default')
      const blind = await keyturn.createManagementKey('default', { scopes: ['verify'] })
      const foreign = await keyturn.createManagementKey((await keyturn.createOrganization()).id, {
        scopes: ['keys:read'],
      })
      const ask = (value: string) => keyturn.request('GET', `/v1/keys/${key.id}/usage`, { key: value })
      expect(faultOf(await ask(blind.secret.value), { status: 403, code: 'insufficient_scope' })).toBeNull()
      expect(faultOf(await ask(foreign.secret.value), { status: 404, code: 'key_not_found' })).toBeNull()
    })
  })
})
