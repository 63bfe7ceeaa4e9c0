import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const hour = 3_600_000
const day = 24 * hour

describe.each(anEngine('PGlite'))('the slot that a verdict names, on $name', (engine) => {
  let keyturn: Keyturn
  /** The same, without any memory. */
  let forgetful: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    forgetful = await openKeyturn(engine, { KEYTURN_CACHED_KEYS: '0' })
  })
  afterAll(async () => {
    await keyturn.stop()
    await forgetful.stop()
  })

  const act = async (server: Keyturn, id: string, path: string, body: object = {}) => {
    const answer = await server.request('POST', `/v1/keys/${id}/${path}`, { body })
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.body
  }
  const slotOf = async (server: Keyturn, value: string) => {
    const { code, secret } = await server.verify(value)
    const { headers } = await server.request('GET', '/v1/authorize', {
      key: null,
      headers: { 'x-api-key': value, 'x-keyturn-management-key': server.rootKey },
    })
    expect(headers.get('x-keyturn-secret-slot')).toBe(secret?.slot)
    return `${code} ${secret?.slot}`
  }
  const shown = async (server: Keyturn, id: string) =>
    (await server.request('GET', `/v1/keys/${id}`)).body.secrets.map((secret: any) => `${secret.status} ${secret.slot}`)
  const hits = async () => {
    const { text } = await keyturn.request('GET', '/metrics', { key: null })
    const valueOf = (name: string) => Number(new RegExp(`^keyturn_cache_${name}_total (.+)$`, 'm').exec(text)?.[1])
    return valueOf('lookups') - valueOf('hits')
  }

  it.each(['warm', 'cold'])('of a staged secret is the primary from the end of the other one on (%s)', async (way) => {
    const server = way === 'warm' ? keyturn : forgetful
    const { key, secret } = await server.createKey('default', { expires_in: 3600 })
    const { secret: staged } = await act(server, key.id, 'secrets', { expires_in: 10 * 86_400 })
    for (let call = 0; call < 2; call++) {
      expect(await slotOf(server, staged.value)).toBe('VALID secondary')
      expect(await slotOf(server, secret.value)).toBe('VALID primary')
    }
    const missed = await hits()
    server.clock.advance(hour)
    for (let call = 0; call < 3; call++) {
      expect(await slotOf(server, staged.value)).toBe('VALID primary')
      expect(await slotOf(server, secret.value)).toBe('EXPIRED primary')
    }
    // Nobody asked the database for it.
    expect(await hits()).toBe(missed)
    expect(await shown(server, key.id)).toEqual(['live primary', 'expired primary'])
    server.clock.advance(10 * day)
    expect(await slotOf(server, staged.value)).toBe('EXPIRED primary')
    expect(await shown(server, key.id)).toEqual(['expired primary', 'expired primary'])
    await act(server, key.id, 'rotate')
    expect(await slotOf(server, staged.value)).toBe('EXPIRED primary')
  })

  it.each(['warm', 'cold'])(
    'of a retired one stays the secondary, also after the newer one has ended (%s)',
    async (way) => {
      const server = way === 'warm' ? keyturn : forgetful
      const { key, secret } = await server.createKey('default')
      const { secret: newer } = await act(server, key.id, 'rotate', { overlap: 3600, expires_in: 7200 })
      expect(await slotOf(server, secret.value)).toBe('VALID secondary')
      expect(await slotOf(server, newer.value)).toBe('VALID primary')
      server.clock.advance(hour)
      expect(await slotOf(server, secret.value)).toBe('ROTATED secondary')
      server.clock.advance(hour)
      expect(await slotOf(server, secret.value)).toBe('ROTATED secondary')
      expect(await slotOf(server, newer.value)).toBe('EXPIRED primary')
      expect(await shown(server, key.id)).toEqual(['expired primary', 'rotated secondary'])
    },
  )

  it('of a retiring one that outlives the newer is the primary from then on', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const { secret: newer } = await act(keyturn, key.id, 'rotate', { overlap: 3600, expires_in: 7200 })
    await act(keyturn, key.id, 'extend', { slot: 'secondary', expires_in: 10_800 })
    expect(await slotOf(keyturn, secret.value)).toBe('VALID secondary')
    keyturn.clock.advance(2 * hour)
    expect(await slotOf(keyturn, newer.value)).toBe('EXPIRED primary')
    expect(await slotOf(keyturn, secret.value)).toBe('VALID primary')
    expect(await shown(keyturn, key.id)).toEqual(['expired primary', 'live primary'])
    keyturn.clock.advance(hour)
    expect(await slotOf(keyturn, secret.value)).toBe('ROTATED primary')
  })

  it('follows an operation at once, whatever was in memory', async () => {
    const { key, secret } = await keyturn.createKey('default', { expires_in: 3600 })
    const { secret: staged } = await act(keyturn, key.id, 'secrets')
    expect(await slotOf(keyturn, staged.value)).toBe('VALID secondary')
    await act(keyturn, key.id, 'extend', { expires_in: 7200 })
    keyturn.clock.advance(hour)
    expect(await slotOf(keyturn, staged.value)).toBe('VALID secondary')
    await act(keyturn, key.id, 'promote')
    expect(await slotOf(keyturn, staged.value)).toBe('VALID primary')
    expect(await slotOf(keyturn, secret.value)).toBe('VALID secondary')
  })
})
