import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'

describe.each(engines)('editing a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const edit = (id: string, body: object) => keyturn.request('PATCH', `/v1/keys/${id}`, { body })
  const found = async (q: string) =>
    (await keyturn.request('GET', `/v1/projects/default/keys?q=${encodeURIComponent(q)}`)).body.data.map(
      (key: { id: string }) => key.id,
    )

  it('changes what is given and nothing else, never the value nor the end', async () => {
    const { key, secret } = await keyturn.createKey('default', { purpose: 'Sends invoices', owner: 'anna@example.com' })
    const { status, body } = await edit(key.id, { scopes: ['read'], metadata: { plan: 'pro' }, purpose: null })
    expect(status).toBe(200)
    const { last_action: _, ...expected } = { ...key, scopes: ['read'], metadata: { plan: 'pro' }, purpose: null }
    expect(body).toMatchObject({ ...expected, last_action: { action: 'key.updated' } })
    expect(await keyturn.verify(secret.value, { scopes: ['read'] })).toMatchObject({
      code: 'VALID',
      key: { scopes: ['read'], metadata: { plan: 'pro' } },
    })
  })

  it('takes effect with the very next verdict: scopes and addresses', async () => {
    const { key, secret } = await keyturn.createKey('default', { scopes: ['read'] })
    await edit(key.id, { scopes: [], allowed_ips: ['203.0.113.0/24'] })
    expect(await keyturn.verify(secret.value, { scopes: ['read'], ip: '203.0.113.9' })).toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
    })
    expect(await keyturn.verify(secret.value, { ip: '198.51.100.1' })).toMatchObject({ code: 'IP_NOT_ALLOWED' })
    expect(await keyturn.verify(secret.value, { ip: '203.0.113.9' })).toMatchObject({ code: 'VALID' })
  })

  it('finds the key under its new words, and under the old ones no more', async () => {
    const { key, secret } = await keyturn.createKey('default', {
      name: 'Zapier quince',
      purpose: 'medlar',
      owner: 'anna@loquat.example',
    })
    expect(await found('quin')).toEqual([key.id])
    await edit(key.id, { name: 'Zapier persimmon', purpose: 'sloe', owner: 'ben@rowan.example' })
    for (const word of ['persim', 'sloe', 'rowan', secret.hint, key.id])
      expect(await found(word), word).toEqual([key.id])
    for (const word of ['quince', 'medlar', 'loquat']) expect(await found(word), word).toEqual([])
  })

  it('warns of what a new name or a new owner brings with it', async () => {
    const { key } = await keyturn.createKey('default', { name: 'Stripe', owner: 'anna@example.com' })
    await keyturn.createKey('default', { name: 'Shopify', owner: 'anna@example.com' })
    const codes = async (body: object) =>
      (await edit(key.id, body)).body.warnings.map((warning: { code: string }) => warning.code).sort()
    expect(await codes({ name: 'shopify' })).toEqual(['duplicate_name'])
    expect(await codes({ name: 'Key 2' })).toEqual(['vague_name'])
    expect(await codes({ name: 'Stripe' })).toEqual([])
    expect(await codes({ owner: 'ben@example.com' })).toEqual(['rotation_advised'])
    expect(await codes({ owner: null })).toEqual(['nobody_would_be_told', 'rotation_advised'])
    expect(await codes({ contact: 'team@example.com' })).toEqual([])
  })

  it('keeps a name that an older policy allowed, and lets no other name break the rule', async () => {
    const project = (await keyturn.createProject('default')).id
    const { key } = await keyturn.createKey(project, { name: 'Zapier' })
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { name_pattern: 'team-.*' } } })
    expect((await edit(key.id, { name: 'Zapier', purpose: 'other' })).status).toBe(200)
    expect((await edit(key.id, { name: 'Zapier 2' })).body.code).toBe('name_does_not_match_policy')
    expect((await edit(key.id, { name: 'team-zapier' })).status).toBe(200)
  })

  it('works on the legacy key, and on a disabled or expired one', async () => {
    const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
    const { key } = await keyturn.createKey('default', { expires_in: 3600 })
    await keyturn.request('POST', `/v1/keys/${key.id}/disable`)
    keyturn.clock.advance(2 * 3_600_000)
    for (const id of [body.data[0].id, key.id]) expect((await edit(id, { purpose: 'Known to all' })).status).toBe(200)
  })

  it('of two at once loses neither: each changes its own field', async () => {
    const { key } = await keyturn.createKey('default')
    await Promise.all([
      edit(key.id, { purpose: 'one' }),
      edit(key.id, { contact: 'team@example.com' }),
      edit(key.id, { scopes: ['x'] }),
    ])
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body).toMatchObject({
      purpose: 'one',
      contact: 'team@example.com',
      scopes: ['x'],
    })
  })
})
