import type { CutOver, Key, Secret } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rollUpUsage } from '../../src/usage/read-usage.ts'
import { UseCollector } from '../../src/usage/use-collector.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
type Made = { key: Key; secret: Secret & { value: string } }

describe.each(anEngine('PostgreSQL'))('the cut-over of a key, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_TRUSTED_PROXIES: '127.0.0.1' })
    await keyturn.request('PATCH', '/v1/organizations/default', { body: { policy: { max_active_keys: 1000 } } })
    project = (await keyturn.createProject('default')).id
  })
  afterAll(() => keyturn.stop())

  const cutOver = async (key: Pick<Key, 'id'>): Promise<CutOver> => {
    const { status, body, text } = await keyturn.request('GET', `/v1/keys/${key.id}/rotation`)
    expect([status, text]).toEqual([200, expect.anything()])
    return body
  }
  const act = (key: Pick<Key, 'id'>, path: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${path}`, { body })
  const rotate = async (key: Key): Promise<Secret & { value: string }> => (await act(key, 'rotate')).body.secret
  const of = ({ secrets }: CutOver, id: string) => {
    const found = secrets.find((secret) => secret.id === id)
    if (!found) throw new Error(`${id} is not in it`)
    return found
  }
  /** Calls that were long ago, as another node would have written them. */
  async function calledBefore({ key, secret }: Made, ...agos: number[]): Promise<void> {
    const node = new UseCollector(keyturn.database)
    for (const ago of agos) node.note(key.id, secret.id, 'VALID', keyturn.clock.now() - ago, '203.0.113.7', null)
    await node.flush()
  }
  const moveIntoTheHour = () => {
    // Not across the full hour in the middle of a test.
    const untilNext = hour - (keyturn.clock.now() % hour)
    if (untilNext < 5 * minute) keyturn.clock.advance(untilNext)
  }

  it('goes with the owner from the first call to the last, and says what a call said a moment before', async () => {
    moveIntoTheHour()
    const { key, secret }: Made = await keyturn.createKey(project)
    expect(await cutOver(key)).toMatchObject({ key_id: key.id, state: 'one', advice: { code: 'never_called' } })
    const newer = await rotate(key)
    const { retires_at } = of(await cutOver(key), secret.id)
    for (let call = 0; call < 3; call++) await keyturn.verify(secret.value, { ip: '203.0.113.7' })
    await keyturn.verify(secret.value, { scopes: ['admin'] })
    const before = await cutOver(key)
    expect(before).toMatchObject({
      state: 'retiring',
      advice: {
        code: 'not_safe_to_finish',
        sentence: `the old secret was last called less than a minute ago from 203.0.113.7: not safe to finish; the overlap ends at ${retires_at}`,
      },
    })
    expect(of(before, secret.id)).toMatchObject({
      slot: 'secondary',
      status: 'live',
      calls: { last_hour: 3, last_day: 3, last_30_days: 3 },
      refused_calls: { last_hour: 1, last_day: 1, last_30_days: 1 },
      addresses: [{ address: '203.0.113.7', user_agent: null }],
      longest_pause: null,
      last_refused: null,
    })
    expect(of(before, newer.id)).toMatchObject({
      slot: 'primary',
      advice: { code: 'never_called', sentence: 'no call with the new secret yet' },
      addresses: [],
    })
    expect((await act(key, 'finish')).body.code).toBe('secret_in_use')

    keyturn.clock.advance(3 * hour)
    expect((await cutOver(key)).advice.code).toBe('new_never_called')
    await keyturn.verify(newer.value, { ip: '203.0.113.8' })
    const moved = await cutOver(key)
    expect(moved.advice.code).toBe('may_be_periodic')
    expect(of(moved, secret.id).calls).toEqual({ last_hour: 0, last_day: 3, last_30_days: 3 })
    expect(of(moved, newer.id).advice.sentence).toBe(
      'the new secret was last called less than a minute ago from 203.0.113.8',
    )
    expect((await act(key, 'finish')).status).toBe(200)

    expect((await cutOver(key)).secrets.map(({ id }) => id)).toEqual([newer.id])
    await keyturn.verify(secret.value, { ip: '203.0.113.7' })
    const late = await cutOver(key)
    expect(late).toMatchObject({
      state: 'one',
      advice: {
        code: 'still_called',
        sentence:
          'ended less than a minute ago, still called less than a minute ago from 203.0.113.7: refused with ROTATED',
      },
    })
    expect(of(late, secret.id)).toMatchObject({ status: 'rotated', last_refused: { code: 'ROTATED' } })
    keyturn.clock.advance(30 * day)
    expect((await cutOver(key)).secrets.map(({ id }) => id)).toEqual([newer.id])
  })

  it('of a staged secret says whether anybody has called with it', async () => {
    const { key, secret }: Made = await keyturn.createKey(project)
    const { body } = await act(key, 'secrets')
    await keyturn.verify(secret.value)
    const staged = await cutOver(key)
    expect(staged).toMatchObject({
      state: 'staged',
      advice: { code: 'never_called', sentence: 'staged and never called' },
      secrets: [
        { id: secret.id, slot: 'primary', staged: false, advice: { code: 'in_use' } },
        { id: body.secret.id, slot: 'secondary', staged: true, advice: { code: 'never_called' } },
      ],
    })
    await keyturn.verify(body.secret.value)
    expect((await cutOver(key)).advice).toEqual({
      code: 'in_use',
      sentence: 'the staged secret was last called less than a minute ago',
    })
  })

  it('has the last five addresses, each with the user agent that came from there', async () => {
    const { key, secret }: Made = await keyturn.createKey(project)
    const call = (last: number, agent: string) => {
      keyturn.clock.advance(1)
      return keyturn.request('GET', '/v1/authorize', {
        key: null,
        headers: {
          'x-api-key': secret.value,
          'x-keyturn-management-key': keyturn.rootKey,
          'x-forwarded-for': `203.0.113.${last}`,
          'user-agent': agent,
        },
      })
    }
    for (const last of [1, 2, 3, 4, 5, 6]) expect((await call(last, `shop/${last}`)).status).toBe(200)
    await call(3, 'shop/3.1')
    const told = of(await cutOver(key), secret.id).addresses
    expect(told.map(({ address, user_agent }) => `${address} ${user_agent}`)).toEqual([
      '203.0.113.3 shop/3.1',
      '203.0.113.6 shop/6',
      '203.0.113.5 shop/5',
      '203.0.113.4 shop/4',
      '203.0.113.2 shop/2',
    ])
    const { body } = await keyturn.request('GET', `/v1/keys/${key.id}/usage`)
    expect(body.last_uses[0].addresses).toEqual(told)
  })

  describe('knows a job by its pauses', () => {
    const advised = async (...agos: number[]) => {
      const made: Made = await keyturn.createKey(project)
      await calledBefore(made, ...agos)
      const newer = await rotate(made.key)
      await keyturn.verify(newer.value)
      const before = await cutOver(made.key)
      await rollUpUsage(keyturn.ground)
      const after = await cutOver(made.key)
      // Days are less exact than hours, by a day at most, and never shorter.
      const [hours, days] = [before, after].map((told) => of(told, made.secret.id))
      const added = (days?.longest_pause ?? 0) - (hours?.longest_pause ?? 0)
      expect(added).toBeGreaterThanOrEqual(0)
      expect(added).toBeLessThan(day / 1000)
      expect(days?.advice.code).toBe(hours?.advice.code)
      return hours?.advice
    }

    it('a monthly one, of which hours have become days', async () => {
      expect(await advised(62 * day + 6 * hour, 31 * day + 6 * hour, 6 * hour)).toEqual({
        code: 'may_be_periodic',
        sentence: 'unused for 6 hours, but its longest pause in 90 days was 31 days: it may be a monthly job',
      })
    })

    it('one that paused for longer than is looked back', async () => {
      expect(await advised(200 * day, 3 * day)).toEqual({
        code: 'may_be_periodic',
        sentence: expect.stringMatching(
          /^unused for 3 days, but its longest pause in 90 days was 8\d days: .*quarterly/,
        ),
      })
    })

    it('from one that is over', async () => {
      const everyHour = Array.from({ length: 40 }, (_, index) => 3 * day + index * hour)
      expect(await advised(...everyHour)).toEqual({
        code: 'safe_to_finish',
        sentence: 'unused for 3 days, and its longest pause in 90 days was 1 hour: safe to finish',
      })
    })
  })

  it('adds up what all nodes have written', async () => {
    moveIntoTheHour()
    const made: Made = await keyturn.createKey(project)
    await calledBefore(made, 40 * day, 29 * day, 3 * day, 25 * hour, 3 * hour, minute)
    await keyturn.verify(made.secret.value)
    expect(of(await cutOver(made.key), made.secret.id)).toMatchObject({
      calls: { last_hour: 2, last_day: 3, last_30_days: 6 },
      longest_pause: 26 * 86_400,
    })
  })

  it('is read by whoever may read keys, and reading it changes nothing', async () => {
    const { key, secret }: Made = await keyturn.createKey(project)
    await keyturn.verify(secret.value)
    await expectNothingChanged(keyturn, async () => void (await cutOver(key)))
    const blind = await keyturn.createManagementKey('default', { scopes: ['verify'] })
    const reader = await keyturn.createManagementKey('default', { scopes: ['keys:read'] })
    const ask = (value: string) => keyturn.request('GET', `/v1/keys/${key.id}/rotation`, { key: value })
    expect(faultOf(await ask(blind.secret.value), { status: 403, code: 'insufficient_scope' })).toBeNull()
    expect((await ask(reader.secret.value)).status).toBe(200)
    expect(faultOf(await keyturn.request('GET', '/v1/keys/key_0/rotation'), { status: 404 })).toBeNull()
  })
})
