import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { type Refusal, Refusals } from './record-refusal.ts'

describe.each(engines)('a refused call, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const minute = 60_000
  let time = 0
  const openRefusals = (ground = keyturn.ground) => new Refusals(ground, () => time)
  const refusalOf = (actor: string): Refusal => ({
    code: 'insufficient_scope',
    actor: { type: 'management_key', id: actor, name: 'Deploy pipeline' },
    subject: null,
    organizationId: null,
    route: 'GET /v1/organizations',
    action: 'call.refused',
    address: '127.0.0.1',
    requestId: 'req_1',
  })
  const many = (refusals: Refusals, actor: string) =>
    Array.from({ length: 20 }, () => refusals.record(refusalOf(actor)))
  async function recorded(actor: string): Promise<number> {
    const { body } = await keyturn.request('GET', `/v1/audit-events?limit=200&action=call.refused&actor=${actor}`)
    return body.data.length
  }
  /** Stays in one minute of the database, however late in it the test comes. */
  async function beginMinute(): Promise<void> {
    keyturn.clock.advance(minute - ((await keyturn.ground.now(keyturn.ground.reader)) % minute))
    time += minute
  }

  it('is on record once, though several nodes meet it at the same moment', async () => {
    await beginMinute()
    await Promise.all([openRefusals(), openRefusals(), openRefusals()].flatMap((refusals) => many(refusals, 'key_a')))
    expect(await recorded('key_a')).toBe(1)
  })

  it('asks the database once in a minute, however often it is repeated', async () => {
    await beginMinute()
    let asked = 0
    const change: typeof keyturn.ground.change = (work) => {
      asked++
      return keyturn.ground.change(work)
    }
    const refusals = openRefusals({ ...keyturn.ground, change })
    await Promise.all(many(refusals, 'key_b'))
    await Promise.all(many(refusals, 'key_b'))
    expect(asked).toBe(1)
    await beginMinute()
    await Promise.all(many(refusals, 'key_b'))
    expect([asked, await recorded('key_b')]).toEqual([2, 2])
  })

  it('that could not be put on record is so by the next one', async () => {
    await beginMinute()
    let isAway = true
    const refusals = openRefusals({
      ...keyturn.ground,
      change: (work) => (isAway ? Promise.reject(new Error('away')) : keyturn.ground.change(work)),
    })
    await expect(refusals.record(refusalOf('key_c'))).rejects.toThrow('away')
    isAway = false
    await refusals.record(refusalOf('key_c'))
    expect(await recorded('key_c')).toBe(1)
  })
})
