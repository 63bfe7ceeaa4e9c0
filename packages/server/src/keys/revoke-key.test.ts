import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'

describe.each(engines)('revoking and deleting a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const act = (id: string, action: string, body?: object) =>
    keyturn.request('POST', `/v1/keys/${id}/${action}`, { body })
  const read = async (id: string) => (await keyturn.request('GET', `/v1/keys/${id}`)).body
  const remove = (id: string, confirm = 'DELETE') => keyturn.request('DELETE', `/v1/keys/${id}`, { body: { confirm } })

  it('refuses the very next request, and keeps the record with the reason', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const { status, body } = await act(key.id, 'revoke', { reason: 'found in a public repository' })
    expect([status, body.key.status, body.key.revoked_reason]).toEqual([200, 'revoked', 'found in a public repository'])
    expect(body.key.secrets).toMatchObject([{ status: 'revoked' }])
    expect(Date.parse(body.key.expires_at)).toBeLessThanOrEqual(keyturn.clock.now())
    expect(await keyturn.verify(secret.value)).toMatchObject({ valid: false, code: 'REVOKED', key: { id: key.id } })
    expect(await read(key.id)).toEqual(body.key)
  })

  it('is for ever: no other action brings the key back, at no later time', async () => {
    const { key, secret } = await keyturn.createKey('default')
    await act(key.id, 'revoke')
    for (const [action, body] of [['enable'], ['disable'], ['extend', { expires_in: 86_400 }]] as const)
      expect([action, (await act(key.id, action, body)).body.code]).toEqual([action, 'key_revoked'])
    expect((await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { name: 'Reborn' } })).body.code).toBe(
      'key_revoked',
    )
    keyturn.clock.advance(400 * 86_400_000)
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'REVOKED' })
    expect((await read(key.id)).status).toBe('revoked')
  })

  it('twice is a success that changes nothing, not even the reason', async () => {
    const { key } = await keyturn.createKey('default')
    const first = await act(key.id, 'revoke', { reason: 'leaked' })
    const second = await act(key.id, 'revoke', { reason: 'another reason' })
    expect([second.status, second.body]).toEqual([200, first.body])
  })

  it('many times at once happens once', async () => {
    const { key } = await keyturn.createKey('default')
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => act(key.id, 'revoke', { reason: `reason ${at}` })),
    )
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.key.revoked_reason}`)).size).toBe(1)
    const { body } = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)
    expect(body.data.map((event: { action: string }) => event.action)).toEqual(['key.revoked', 'key.created'])
  })

  it('of a disabled or expired key works, and says when an expired one had ended', async () => {
    const { key: disabled, secret } = await keyturn.createKey('default')
    await act(disabled.id, 'disable')
    expect((await act(disabled.id, 'revoke')).body.key.status).toBe('revoked')
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'REVOKED' })

    const { key: expired } = await keyturn.createKey('default', { expires_in: 3600 })
    keyturn.clock.advance(2 * 3_600_000)
    const { body } = await act(expired.id, 'revoke')
    expect(body.key).toMatchObject({
      status: 'revoked',
      expires_at: expired.expires_at,
      secrets: [{ status: 'expired' }],
    })
  })

  it('by deleting takes the key out of sight, after revoking it', async () => {
    const { key, secret } = await keyturn.createKey('default', { name: 'Soon gone' })
    const answer = await remove(key.id)
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.code).toBe('key_not_found')
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'NOT_FOUND', key: null })
    const { body } = await keyturn.request(
      'GET',
      '/v1/projects/default/keys?status=active,disabled,expired,revoked&q=soon',
    )
    expect(body).toMatchObject({ data: [] })
    expect((await remove(key.id)).status).toBe(404)
    for (const action of ['enable', 'disable', 'revoke']) expect((await act(key.id, action)).status).toBe(404)
  })

  it('leaves the history of a deleted key to be told', async () => {
    const { key } = await keyturn.createKey('default', { name: 'Remembered' })
    await remove(key.id)
    const { body } = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)
    expect(body.data.map((event: { action: string }) => event.action)).toEqual(['key.deleted', 'key.created'])
    expect(body.data[0].target).toMatchObject({ id: key.id, name: 'Remembered' })
  })

  it('by deleting wants the very word', async () => {
    const { key, secret } = await keyturn.createKey('default')
    for (const confirm of ['', 'delete', 'DELETE ', 'yes']) {
      const { status, body } = await remove(key.id, confirm)
      expect([status, body.code]).toEqual([422, 'confirmation_required'])
    }
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'VALID' })
  })

  it('answers a legacy key with what to do instead, and changes nothing', async () => {
    const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
    const legacy = body.data.find((key: { legacy: boolean }) => key.legacy)
    for (const refused of [await act(legacy.id, 'revoke'), await remove(legacy.id)]) {
      expect(refused.status).toBe(409)
      expect(refused.body).toMatchObject({
        code: expect.stringMatching(/^legacy_key/),
        detail: expect.stringMatching(/rotate/i),
      })
    }
    expect(await read(legacy.id)).toEqual(legacy)
    const value = legacy.secrets[0].value
    expect(await keyturn.verify(value, { kinds: ['publishable'] })).toMatchObject({ code: 'VALID' })
  })

  it('leaves every other key working', async () => {
    const [one, other] = [await keyturn.createKey('default'), await keyturn.createKey('default')]
    await remove(one.key.id)
    expect(await keyturn.verify(other.secret.value)).toMatchObject({ code: 'VALID' })
  })
})
