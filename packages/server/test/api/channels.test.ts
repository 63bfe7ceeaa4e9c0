import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listEmailChannels } from '../../src/notifications/find-channel.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn, type RequestOptions } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const hook = 'https://hooks.invalid/keyturn'

describe.each(anEngine('PGlite'))('channels, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const create = (org: string, body: object, options: RequestOptions = {}) =>
    keyturn.request('POST', `/v1/organizations/${org}/channels`, { body, ...options })
  const list = async (org: string, query = '') =>
    (await keyturn.request('GET', `/v1/organizations/${org}/channels${query}`)).body

  it('are made, read, listed, edited and deleted, and each change is on record', async () => {
    const { id: org } = await keyturn.createOrganization()
    const made = await create(org, { kind: 'webhook', url: 'HTTPS://Hooks.Invalid:8443/a b?team=1' })
    expect(made).toMatchObject({
      status: 201,
      body: {
        channel: {
          organization_id: org,
          kind: 'webhook',
          url: 'https://hooks.invalid:8443/a%20b?team=1',
          address: null,
          events: null,
          enabled: true,
          disabled_reason: null,
          old_secret_signs_until: null,
          created_by: { type: 'root_key' },
        },
      },
    })
    expect(made.body.signing_secret).toMatch(/^whsec_/)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const { id } = made.body.channel
    expect((await keyturn.request('GET', `/v1/channels/${id}`)).body).toEqual(made.body.channel)
    expect((await list(org)).data).toEqual([made.body.channel])

    const edit = (body: object) => keyturn.request('PATCH', `/v1/channels/${id}`, { body })
    const edited = await edit({ url: hook, events: ['key.expired', 'key.expiring'], enabled: false })
    expect(edited.body).toMatchObject({ url: hook, events: ['key.expired', 'key.expiring'], enabled: false })
    expect((await edit({ url: `${hook}/another` })).body.url).toBe(`${hook}/another`)
    expect((await edit({ events: null })).body.events).toBeNull()
    await expectNothingChanged(keyturn, async () => {
      expect((await edit({ url: `${hook}/another`, events: null, enabled: false })).status).toBe(200)
      expect((await edit({})).status).toBe(200)
    })
    expect((await keyturn.request('DELETE', `/v1/channels/${id}`)).status).toBe(204)
    expect((await keyturn.request('GET', `/v1/channels/${id}`)).body.code).toBe('channel_not_found')

    const { body: trail } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?limit=5`)
    expect(trail.data.map(({ action, after }: any) => [action, after])).toEqual([
      ['channel.deleted', null],
      ['channel.updated', { events: null }],
      ['channel.updated', { url_changed: true }],
      [
        'channel.updated',
        { destination: 'https://hooks.invalid', events: ['key.expired', 'key.expiring'], enabled: false },
      ],
      ['channel.created', { kind: 'webhook', destination: 'https://hooks.invalid:8443', events: null, enabled: true }],
    ])
    // Paths and queries of webhooks are often secrets of their receivers.
    expect(JSON.stringify(trail)).not.toMatch(/team=1|another/)
  })

  it('of kind email are team mailboxes: without secret, and known to whoever sends reminders while they are enabled', async () => {
    const { id: org } = await keyturn.createOrganization()
    const made = await create(org, { kind: 'email', address: 'Team@Example.com' })
    expect(made.body).toMatchObject({
      channel: { kind: 'email', address: 'team@example.com', url: null, events: null },
      signing_secret: null,
    })
    const off = await create(org, { kind: 'email', address: 'off@example.com', enabled: false })
    await create(org, { kind: 'webhook', url: hook })
    const { id } = made.body.channel
    expect(await listEmailChannels(keyturn.ground.reader, org)).toEqual([{ id, address: 'team@example.com' }])
    await keyturn.request('PATCH', `/v1/channels/${off.body.channel.id}`, { body: { enabled: true } })
    expect(await listEmailChannels(keyturn.ground.reader, org)).toHaveLength(2)
    const { body: tested } = await keyturn.request('POST', `/v1/channels/${id}/test`)
    expect(tested).toEqual({ delivery: null, mail_id: expect.stringMatching(/^mail_/) })
    const { body: mail } = await keyturn.request('GET', `/v1/organizations/${org}/outbox/${tested.mail_id}`)
    expect(mail).toMatchObject({ recipient: 'team@example.com', about: 'test' })
    await keyturn.request('PATCH', `/v1/channels/${id}`, { body: { enabled: false } })
    const testing = await keyturn.request('POST', `/v1/channels/${id}/test`)
    expect(faultOf(testing, { status: 409, code: 'channel_disabled' })).toBeNull()
    const rotating = await keyturn.request('POST', `/v1/channels/${id}/rotate-secret`)
    expect(faultOf(rotating, { status: 409, code: 'channel_is_no_webhook' })).toBeNull()
    expect((await keyturn.request('GET', `/v1/channels/${id}/deliveries`)).body.data).toEqual([])
  })

  it('are 50 in an organization and not one more, however many are made at once', async () => {
    const { id: org } = await keyturn.createOrganization()
    const answers = await Promise.all(
      Array.from({ length: 53 }, (_, index) => create(org, { kind: 'email', address: `team-${index}@example.com` })),
    )
    const refused = answers.filter(({ status }) => status !== 201)
    expect(refused.map(({ body }) => body.code)).toEqual(Array.from({ length: 3 }, () => 'channel_limit_reached'))
    expect((await list(org, '?limit=200')).data).toHaveLength(50)
    const { data, next_cursor } = await list(org, '?limit=30')
    const rest = await list(org, `?limit=30&cursor=${next_cursor}`)
    expect([data.length, rest.data.length, rest.next_cursor]).toEqual([30, 20, null])
    expect((await list(org, '?cursor=fdt_1')).code).toBe('invalid_cursor')
    await keyturn.request('DELETE', `/v1/channels/${data[0].id}`)
    expect((await create(org, { kind: 'webhook', url: hook })).status).toBe(201)
  })

  it.each([
    ['not a url', 'invalid_request'],
    ['/keyturn', 'invalid_request'],
    ['ftp://hooks.invalid/', 'invalid_request'],
    ['file:///etc/passwd', 'invalid_request'],
    ['javascript:alert(1)', 'invalid_request'],
    ['https://user:password@hooks.invalid/', 'invalid_request'],
    ['https://user@hooks.invalid/', 'invalid_request'],
    ['https://hooks.invalid/#fragment', 'invalid_request'],
    ['https://hooks.invalid/\r\nHost: other.invalid', 'invalid_request'],
    ['https://hooks.invalid/\u202Egnp.exe', 'invalid_request'],
    [`https://hooks.invalid/${'x'.repeat(2_000)}`, 'invalid_request'],
    [`https://hooks.invalid/${'ü'.repeat(1_000)}`, 'invalid_request'],
    ['https://', 'invalid_request'],
    ['https://127.0.0.1/', 'webhook_url_not_allowed'],
    ['https://localhost.invalid@127.1/', 'invalid_request'],
    ['https://2130706433/', 'webhook_url_not_allowed'],
    ['https://[::1]:8443/', 'webhook_url_not_allowed'],
    ['https://[::ffff:10.0.0.1]/', 'webhook_url_not_allowed'],
    ['https://169.254.169.254/latest/meta-data', 'webhook_url_not_allowed'],
    ['https://100.64.0.1/', 'webhook_url_not_allowed'],
    ['http://hooks.invalid/', 'webhook_url_not_allowed'],
    ['http://8.8.8.8/', 'webhook_url_not_allowed'],
  ])('do not call %s', async (url, code) => {
    const { body: made } = await create('default', { kind: 'webhook', url: hook })
    await expectNothingChanged(keyturn, async () => {
      const status = code === 'invalid_request' ? 400 : 422
      expect(faultOf(await create('default', { kind: 'webhook', url }), { status, code })).toBeNull()
      const edit = await keyturn.request('PATCH', `/v1/channels/${made.channel.id}`, { body: { url } })
      expect(faultOf(edit, { status, code })).toBeNull()
    })
    await keyturn.request('DELETE', `/v1/channels/${made.channel.id}`)
  })

  it('are of one kind, with what belongs to it', async () => {
    const webhook = (await create('default', { kind: 'webhook', url: hook })).body.channel.id
    const email = (await create('default', { kind: 'email', address: 'team@example.com' })).body.channel.id
    const wrong: object[] = [
      { kind: 'webhook' },
      { kind: 'webhook', address: 'team@example.com' },
      { kind: 'webhook', url: hook, address: 'team@example.com' },
      { kind: 'webhook', url: hook, events: [] },
      { kind: 'webhook', url: hook, events: ['key.created', 'key.created'] },
      { kind: 'webhook', url: hook, events: ['key.updated'] },
      { kind: 'email', url: hook },
      { kind: 'email', address: 'team@example.com', events: ['key.created'] },
      { kind: 'email', address: 'no address' },
      { kind: 'email', address: 'a@b.example\r\nBcc: c@d.example' },
      { kind: 'pager', url: hook },
      { kind: 'webhook', url: hook, signing_secret: 'whsec_mine' },
    ]
    await expectNothingChanged(keyturn, async () => {
      for (const body of wrong)
        expect(faultOf(await create('default', body), { status: 400, code: 'invalid_request' })).toBeNull()
      for (const [id, body] of [
        [webhook, { address: 'team@example.com' }],
        [email, { url: hook }],
        [email, { events: ['key.created'] }],
        [email, { events: null }],
        [webhook, { kind: 'email' }],
      ] as const) {
        const edit = await keyturn.request('PATCH', `/v1/channels/${id}`, { body })
        expect(faultOf(edit, { status: 400, code: 'invalid_request' }), JSON.stringify(body)).toBeNull()
      }
      for (const overlap of [-1, 604_801, 1.5, '3600', null]) {
        const rotate = await keyturn.request('POST', `/v1/channels/${webhook}/rotate-secret`, { body: { overlap } })
        expect(faultOf(rotate, { status: 400, code: 'invalid_request' }), String(overlap)).toBeNull()
      }
    })
  })

  it('show their signing secret again for ten minutes to whoever repeats the call, and not later', async () => {
    const { id: org } = await keyturn.createOrganization()
    const headers = { 'idempotency-key': 'channel-1' }
    const first = await create(org, { kind: 'webhook', url: hook }, { headers })
    const second = await create(org, { kind: 'webhook', url: hook }, { headers })
    expect(second.body).toEqual(first.body)
    keyturn.clock.advance(11 * 60_000)
    const third = await create(org, { kind: 'webhook', url: hook }, { headers })
    expect(third.body).toEqual({ ...first.body, signing_secret: null })
    expect((await list(org)).data).toHaveLength(1)
  })

  it('concern the whole organization: a key that reaches only some projects sees none', async () => {
    const { id: org } = await keyturn.createOrganization()
    const project = await keyturn.createProject(org)
    const { body: made } = await create(org, { kind: 'webhook', url: hook })
    const scopes = ['audit:read', 'policy:write']
    const { secret } = await keyturn.createManagementKey(org, { scopes, projects: [project.id] })
    const { secret: reading } = await keyturn.createManagementKey(org, { scopes: ['audit:read'] })
    const calls: [string, string, object?][] = [
      ['GET', `/v1/organizations/${org}/channels`],
      ['POST', `/v1/organizations/${org}/channels`, { kind: 'webhook', url: hook }],
      ['GET', `/v1/channels/${made.channel.id}`],
      ['PATCH', `/v1/channels/${made.channel.id}`, { enabled: false }],
      ['GET', `/v1/channels/${made.channel.id}/deliveries`],
      ['POST', `/v1/channels/${made.channel.id}/test`, {}],
      ['POST', `/v1/channels/${made.channel.id}/rotate-secret`, {}],
      ['DELETE', `/v1/channels/${made.channel.id}`],
    ]
    for (const [method, path, body] of calls) {
      const options = { key: secret.value, ...(body ? { body } : {}) }
      const answer = await keyturn.request(method, path, options)
      expect(faultOf(answer, { status: 403, code: 'whole_organization_required' }), path).toBeNull()
      const readOnly = await keyturn.request(method, path, { ...options, key: reading.value })
      if (method === 'GET') expect(readOnly.status, path).toBe(200)
      else expect(faultOf(readOnly, { status: 403, code: 'insufficient_scope' }), path).toBeNull()
    }
  })
})
