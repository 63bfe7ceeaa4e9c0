import type { Finding, FindingCode } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

const day = 86_400
const dayMs = 1000 * day

describe.each(engines)('findings, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let project: string
  const path = () => `/v1/organizations/${org}/findings`
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  async function begin(policy: object = {}, fields: object = { notification_email: 'team@example.com' }) {
    org = (await keyturn.createOrganization(fields)).id
    const rules = { allow_never_expires: true, ...policy }
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: rules } })
    project = (await keyturn.createProject(org)).id
  }
  async function findAll(query = '', limit = 200, key?: string): Promise<Finding[]> {
    const found: Finding[] = []
    for (let cursor = ''; ; ) {
      const options = key === undefined ? {} : { key }
      const answer = await keyturn.request('GET', `${path()}?limit=${limit}${query}${cursor}`, options)
      expect(answer.status, answer.text).toBe(200)
      found.push(...answer.body.data)
      if (answer.body.next_cursor === null) return found
      cursor = `&cursor=${answer.body.next_cursor}`
    }
  }
  const names = async (code: FindingCode) => (await findAll(`&code=${code}`)).map(({ name }) => name)
  const create = (fields: object) => keyturn.createKey(project, fields)
  const all = (finding: Finding) => `${finding.code} ${finding.name}`

  it('are those of names, ends and owners, as soon as a key has them, and go as soon as they are put right', async () => {
    await begin({}, {})
    const { key } = await create({ name: 'test', never_expires: true })
    await create({ name: 'API key 2', owner: 'ada@example.com' })
    await create({ name: 'Zapier, production', contact: 'team@example.com' })
    await create({ name: 'ZAPIER,  Production', contact: 'team@example.com' })
    await create({ name: 'ключ', owner: 'ada@example.com' })
    const found = await findAll()
    expect(found.map(all)).toEqual([
      'nobody_would_be_told test',
      'never_expires test',
      'duplicate_name Zapier, production',
      'duplicate_name ZAPIER,  Production',
      'vague_name test',
      'vague_name API key 2',
    ])
    for (const { detail, what_to_do, id, code, key_id } of found) {
      expect(detail).toMatch(/^[A-Z].+\.$/)
      expect(what_to_do).toMatch(/^[A-Z].+\.$/)
      expect(id).toBe(`${code}.${key_id}`)
    }
    await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { name: 'Shop', owner: 'ada@example.com' } })
    await keyturn.request('POST', `/v1/keys/${key.id}/rotate`, { body: { expires_in: day, overlap: 0 } })
    expect((await findAll()).map(({ name }) => name)).not.toContain('Shop')
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { notification_email: 'team@example.com' } })
    expect(await names('nobody_would_be_told')).toEqual([])
  })

  it('say what nobody calls, and what was never called, by the rules of each project', async () => {
    await begin({ idle_after: 20 * day })
    const used = await create({ name: 'Once' })
    await create({ name: 'Never' })
    await keyturn.verify(used.secret.value)
    await expect
      .poll(async () => (await keyturn.request('GET', `/v1/keys/${used.key.id}`)).body.last_used_at, {
        timeout: 15_000,
      })
      .not.toBeNull()
    keyturn.clock.advance(19 * dayMs)
    expect([await names('unused'), await names('never_used')]).toEqual([[], []])
    keyturn.clock.advance(2 * dayMs)
    expect([await names('unused'), await names('never_used')]).toEqual([['Once'], ['Never']])
    expect((await findAll('&code=unused'))[0]?.detail).toBe('It was last called 21 days ago.')
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: { idle_after: null } } })
    expect(await names('unused')).toEqual([])
    keyturn.clock.advance(10 * dayMs)
    expect(await names('never_used')).toEqual(['Never'])
  })

  it('say which keys are to be reviewed, with who made them and when they were called, until somebody has', async () => {
    await begin({ review_every: 30 * day })
    const { key } = await create({ name: 'Old', owner: 'ada@example.com' })
    keyturn.clock.advance(31 * dayMs)
    await create({ name: 'New' })
    const due = await findAll('&code=review_due')
    expect(due.map(({ name }) => name)).toEqual(['Legacy key', 'Old'])
    expect(due[1]).toMatchObject({
      owner: 'ada@example.com',
      created_by: { type: 'root_key' },
      last_used_at: null,
      reviewed_at: null,
      detail: 'It was made 31 days ago and never reviewed.',
    })
    const { status, body } = await keyturn.request('POST', `/v1/keys/${key.id}/review`)
    expect(status).toBe(200)
    expect(body.key.reviewed_at).not.toBeNull()
    expect(body.key.last_action).toMatchObject({ action: 'key.reviewed' })
    expect(await names('review_due')).toEqual(['Legacy key'])
    const events = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?key=${key.id}`)
    expect(events.body.data[0]).toMatchObject({
      action: 'key.reviewed',
      before: { reviewed_at: null },
      after: { reviewed_at: body.key.reviewed_at },
    })
    keyturn.clock.advance(31 * dayMs)
    expect((await findAll('&code=review_due')).map(({ detail }) => detail)).toContain(
      'It was last reviewed 31 days ago; the policy wants that every 30 days.',
    )
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    const refused = await keyturn.request('POST', `/v1/keys/${key.id}/review`)
    expect(faultOf(refused, { status: 409, code: 'key_revoked' })).toBeNull()
  })

  it('say what is called from many networks, with an ended secret, or by the key that a project was born with', async () => {
    await begin()
    const spread = await create({ name: 'Spread' })
    const near = await create({ name: 'Near' })
    const ended = await create({ name: 'Rotated' })
    await keyturn.request('POST', `/v1/keys/${ended.key.id}/rotate`, { body: { overlap: 0 } })
    for (let site = 1; site <= 4; site++) {
      await keyturn.verify(spread.secret.value, { ip: `198.51.${site}.7` })
      await keyturn.verify(near.secret.value, { ip: `198.51.100.${site}` })
    }
    await keyturn.verify(ended.secret.value)
    const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?kind=publishable`)
    await keyturn.verify(body.data[0].secrets[0].value, { kinds: ['publishable'] })
    const found = async () => (await findAll()).map(all)
    await expect
      .poll(found, { timeout: 15_000 })
      .toEqual(['ended_secret_called Rotated', 'many_networks Spread', 'legacy_key_called Legacy key'])
    expect((await findAll('&code=many_networks'))[0]?.detail).toBe('It was called from 4 networks in the last 30 days.')
    keyturn.clock.advance(31 * dayMs)
    expect((await found()).filter((one) => !one.startsWith('never_used'))).toEqual([])
  })

  it('come in pages of any length, narrowed by code, owner and project, of what the caller reaches', async () => {
    await begin()
    const other = (await keyturn.createProject(org)).id
    for (let made = 0; made < 3; made++) {
      await create({ name: `test ${made}`, owner: 'ada@example.com', never_expires: true })
      await keyturn.createKey(other, { name: `demo ${made}`, never_expires: true })
    }
    await keyturn.createManagementKey(org, { name: 'API key' })
    const whole = await findAll()
    expect(whole).toHaveLength(13)
    for (const limit of [1, 4, 5]) expect(await findAll('', limit)).toEqual(whole)
    expect(await findAll('&code=vague_name,never_expires&owner=ADA@example.com')).toHaveLength(6)
    expect(await findAll(`&project=${other}`)).toHaveLength(6)
    expect(whole.filter(({ management }) => management).map(all)).toEqual(['vague_name API key'])
    const { secret } = await keyturn.createManagementKey(org, { name: 'Bound to one', projects: [project] })
    expect(await findAll('', 2, secret.value)).toHaveLength(6)
    const refusals = ['code=nonsense', 'code=unused,', 'cursor=nonsense', 'unknown=1']
    for (const query of refusals)
      expect(faultOf(await keyturn.request('GET', `${path()}?${query}`), { status: 400 })).toBeNull()
    expect(faultOf(await keyturn.request('GET', `${path()}?project=${'nothing'}`), { status: 404 })).toBeNull()
    const foreign = await keyturn.request('GET', `${path()}?project=${other}`, { key: secret.value })
    expect(foreign.body.code).toBe('project_not_found')
  })
})
