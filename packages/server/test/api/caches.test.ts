import { describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const metric = async (keyturn: Keyturn, name: string) => {
  const { text } = await keyturn.request('GET', '/metrics', { key: null })
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
}

/** Past the change feed, as no change of ours is made: whoever still goes by what was before goes by memory. */
const disableUnseen = (keyturn: Keyturn, keyId: string) =>
  keyturn.database.reader.updateTable('keys').set({ state: 'disabled' }).where('id', '=', keyId).execute()

describe.each(anEngine('PGlite'))('memory, on $name', (engine) => {
  it('is gone by, unless it is switched off', async () => {
    const keyturn = await openKeyturn(engine)
    const { key, secret } = await keyturn.createKey('default')
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    await disableUnseen(keyturn, key.id)
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    await keyturn.stop()
  })

  it('with KEYTURN_CACHED_KEYS=0 holds nothing: each verdict asks the database, on key and caller', async () => {
    const keyturn = await openKeyturn(engine, { KEYTURN_CACHED_KEYS: '0' })
    const { key, secret } = await keyturn.createKey('default')
    const { key: callerKey, secret: caller } = await keyturn.createManagementKey('default', { scopes: ['verify'] })
    const ask = () => keyturn.request('POST', '/v1/verify', { key: caller.value, body: { key: secret.value } })
    const proxy = { 'x-api-key': secret.value, 'x-keyturn-management-key': caller.value }
    const askAsProxy = () => keyturn.request('GET', '/v1/authorize', { key: null, headers: proxy })
    for (let count = 0; count < 3; count++) {
      expect([(await ask()).body.code, (await askAsProxy()).status]).toEqual(['VALID', 200])
      expect((await keyturn.verify('nobody-was-given-this')).code).toBe('NOT_FOUND')
    }
    await disableUnseen(keyturn, key.id)
    expect([(await ask()).body.code, (await askAsProxy()).status]).toEqual(['DISABLED', 401])
    await disableUnseen(keyturn, callerKey.id)
    expect([(await ask()).status, (await askAsProxy()).status]).toEqual([401, 500])
    for (const name of ['keyturn_cache_records', 'keyturn_cache_misses', 'keyturn_cache_hits_total'])
      expect([name, await metric(keyturn, name)]).toEqual([name, 0])
    await keyturn.stop()
  })

  it('never holds more keys than KEYTURN_CACHED_KEYS, and every verdict is right', async () => {
    const keyturn = await openKeyturn(engine, { KEYTURN_CACHED_KEYS: '3' })
    const made = await Promise.all(Array.from({ length: 8 }, () => keyturn.createKey('default')))
    for (let turn = 0; turn < 2; turn++)
      for (const { key, secret } of made) {
        expect((await keyturn.verify(secret.value)).key?.id).toBe(key.id)
        expect((await keyturn.verify(`nobody was given this, ${secret.value}`)).valid).toBe(false)
        expect(await metric(keyturn, 'keyturn_cache_records')).toBeLessThanOrEqual(3)
        expect(await metric(keyturn, 'keyturn_cache_misses')).toBeLessThanOrEqual(3)
      }
    await keyturn.stop()
  })
})
