import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'

describe.each(engines)('disabling a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  it('refuses the very next request, and the record says who did it', async () => {
    const { key, secret } = await keyturn.createKey('default')
    expect(await keyturn.verify(secret.value)).toMatchObject({ valid: true, code: 'VALID' })
    const { status, body } = await keyturn.request('POST', `/v1/keys/${key.id}/disable`)
    expect(status).toBe(200)
    expect(body.key).toMatchObject({
      status: 'disabled',
      last_action: { action: 'key.disabled', actor: { type: 'root_key' } },
    })
    expect(await keyturn.verify(secret.value)).toMatchObject({ valid: false, code: 'DISABLED', key: { id: key.id } })
  })

  it('leaves every other key of the project working', async () => {
    const [one, other] = [await keyturn.createKey('default'), await keyturn.createKey('default')]
    await keyturn.request('POST', `/v1/keys/${one.key.id}/disable`)
    expect(await keyturn.verify(other.secret.value)).toMatchObject({ code: 'VALID' })
  })

  it('is undone by enabling', async () => {
    const { key, secret } = await keyturn.createKey('default')
    await keyturn.request('POST', `/v1/keys/${key.id}/disable`)
    expect((await keyturn.request('POST', `/v1/keys/${key.id}/enable`)).body.key.status).toBe('active')
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'VALID' })
  })

  it('twice is a success without a second event', async () => {
    const { key } = await keyturn.createKey('default')
    await keyturn.request('POST', `/v1/keys/${key.id}/disable`)
    expect((await keyturn.request('POST', `/v1/keys/${key.id}/disable`)).status).toBe(200)
    const events = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)
    expect(events.body.data.map((event: { action: string }) => event.action)).toEqual(['key.disabled', 'key.created'])
  })

  it('answers a legacy key with what to do instead, and changes nothing', async () => {
    const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
    const legacy = body.data.find((key: { legacy: boolean }) => key.legacy)
    const refused = await keyturn.request('POST', `/v1/keys/${legacy.id}/disable`)
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      code: 'legacy_key_cannot_be_disabled',
      detail: expect.stringMatching(/rotate/i),
    })
    expect((await keyturn.request('GET', `/v1/keys/${legacy.id}`)).body).toEqual(legacy)
  })

  it('of disable and revoke at once lets revoke have the last word', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const both = ['disable', 'revoke'].map((action) => keyturn.request('POST', `/v1/keys/${key.id}/${action}`))
    for (const { status } of await Promise.all(both)) expect([200, 409]).toContain(status)
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.status).toBe('revoked')
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'REVOKED' })
  })
})
