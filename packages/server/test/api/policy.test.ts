import { defaultPolicy, type Key, type Policy } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const day = 86_400

describe.each(anEngine('PGlite'))('the rules of an organization and its projects, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  /** A project of a new organization, and ways to set the rules of either. */
  async function makeRules(organizationPolicy: Partial<Policy> = {}) {
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    const setOrganization = (policy: object) =>
      keyturn.request('PATCH', `/v1/organizations/${organization.id}`, { body: { policy } })
    const setProject = (policy: object) => keyturn.request('PATCH', `/v1/projects/${project.id}`, { body: { policy } })
    expect((await setOrganization(organizationPolicy)).status).toBe(200)
    const create = (fields: object = {}) =>
      keyturn.request('POST', `/v1/projects/${project.id}/keys`, { body: { name: 'Zapier, production', ...fields } })
    return { organization, project, setOrganization, setProject, create }
  }

  it('are these, where nobody says otherwise', async () => {
    const { project, organization } = await makeRules()
    expect(organization.policy).toEqual(defaultPolicy)
    expect(project).toMatchObject({ policy: defaultPolicy, policy_overrides: {} })
    expect(defaultPolicy).toMatchObject({
      default_lifetime: 31_536_000,
      max_lifetime: 63_072_000,
      allow_never_expires: false,
      max_active_keys: 50,
      default_overlap: 604_800,
      max_overlap: 2_592_000,
      reminder_thresholds: [60, 30, 14, 7, 3, 1].map((days) => days * day),
    })
  })

  it('are changed field by field, and each change is on record with what was and what is', async () => {
    const { organization, setOrganization } = await makeRules()
    const { body } = await setOrganization({ max_active_keys: 10 })
    expect(body.policy).toEqual({ ...defaultPolicy, max_active_keys: 10 })
    const events = await keyturn.request('GET', `/v1/organizations/${organization.id}/audit-events?limit=1`)
    expect(events.body.data).toMatchObject([
      { action: 'organization.policy_changed', before: { max_active_keys: 50 }, after: { max_active_keys: 10 } },
    ])
  })

  it('give a key without an expiry the default lifetime, within the maximum', async () => {
    const { create, setProject } = await makeRules({ default_lifetime: 30 * day })
    const lifeOf = ({ key }: { key: Key }) =>
      (Date.parse(String(key.expires_at)) - Date.parse(key.created_at)) / 1000 / day
    expect(lifeOf((await create()).body)).toBe(30)
    await setProject({ default_lifetime: 10 * day })
    expect(lifeOf((await create()).body)).toBe(10)
  })

  describe.each([
    ['default_lifetime', 100 * day, 101 * day],
    ['max_lifetime', 200 * day, 201 * day],
    ['max_active_keys', 20, 21],
    ['default_overlap', 3 * day, 4 * day],
    ['max_overlap', 8 * day, 9 * day],
    ['rotate_every', 90 * day, 91 * day],
    ['review_every', 60 * day, 61 * day],
    ['idle_after', 40 * day, 41 * day],
  ] as const)('%s', (field, limit, above) => {
    const rules = { default_lifetime: 100 * day, max_lifetime: 200 * day, default_overlap: 3 * day, [field]: limit }

    it('can be lowered by a project and not raised, and the answer names the field and the limit', async () => {
      const { setProject, project } = await makeRules(rules)
      await expectNothingChanged(keyturn, async () => {
        const answer = await setProject({ [field]: above })
        expect(faultOf(answer, { status: 422, code: 'policy_looser_than_organization' })).toBeNull()
        expect(answer.body).toMatchObject({ fields: [field], organization: { [field]: limit } })
      })
      const least = field === 'max_lifetime' ? 100 * day : field === 'max_overlap' ? 3 * day : 1
      expect((await setProject({ [field]: least })).body).toMatchObject({
        policy: { [field]: least },
        policy_overrides: { [field]: least },
      })
      expect((await setProject({ [field]: null })).body).toMatchObject({
        policy: { [field]: limit },
        policy_overrides: {},
      })
      expect((await keyturn.request('GET', `/v1/projects/${project.id}`)).body.policy_overrides).toEqual({})
    })

    it('that becomes lower for the organization is lower for the project, too', async () => {
      const { setProject, setOrganization, project } = await makeRules({
        ...rules,
        default_lifetime: day,
        default_overlap: 1,
      })
      await setProject({ [field]: limit - 1 })
      const lower = field === 'default_overlap' || field === 'default_lifetime' ? 1 : limit - 2
      await setOrganization({ [field]: lower })
      const { body } = await keyturn.request('GET', `/v1/projects/${project.id}`)
      expect(body.policy[field]).toBe(lower)
    })
  })

  it('of a project may forbid what the organization allows, and not allow what it forbids', async () => {
    const strict = await makeRules({ allow_never_expires: false, refuse_vague_names: true })
    await expectNothingChanged(keyturn, async () => {
      for (const policy of [{ allow_never_expires: true }, { refuse_vague_names: false }]) {
        expect((await strict.setProject(policy)).body).toMatchObject({
          code: 'policy_looser_than_organization',
          fields: Object.keys(policy),
        })
      }
    })
    const loose = await makeRules({ allow_never_expires: true })
    expect((await loose.create({ never_expires: true })).status).toBe(201)
    expect((await loose.setProject({ allow_never_expires: false })).status).toBe(200)
    expect((await loose.create({ never_expires: true })).body.code).toBe('never_expires_not_allowed')
  })

  it('of a project may add reminders, and take none away', async () => {
    const { setProject } = await makeRules({ reminder_thresholds: [30 * day, day] })
    expect((await setProject({ reminder_thresholds: [10 * day, day] })).body.policy.reminder_thresholds).toEqual(
      [30, 10, 1].map((days) => days * day),
    )
  })

  it('are refused where a default would be above its maximum', async () => {
    const { setOrganization, setProject } = await makeRules({ default_lifetime: 100, max_lifetime: 1000 })
    await expectNothingChanged(keyturn, async () => {
      for (const [set, policy, smaller] of [
        [setOrganization, { default_lifetime: 1001 }, 'max_lifetime'],
        [setOrganization, { max_lifetime: 99 }, 'max_lifetime'],
        [setOrganization, { default_overlap: 31 * day }, 'max_overlap'],
        [setOrganization, { max_overlap: 7 * day - 1 }, 'max_overlap'],
        [setProject, { max_lifetime: 50 }, 'max_lifetime'],
        [setProject, { max_overlap: day }, 'max_overlap'],
      ] as const) {
        const answer = await set(policy)
        expect(faultOf(answer, { status: 422, code: 'policy_is_inconsistent' })).toBeNull()
        expect(answer.body.smaller).toBe(smaller)
      }
    })
    expect((await setProject({ max_lifetime: 50, default_lifetime: 50 })).status).toBe(200)
  })

  it('bound how long a key lives, at its creation and when it is extended', async () => {
    const { create, setOrganization } = await makeRules({ default_lifetime: 10 * day, max_lifetime: 20 * day })
    const far = await create({ expires_in: 20 * day + 1 })
    expect(faultOf(far, { status: 422, code: 'max_lifetime_exceeded' })).toBeNull()
    const { key } = (await create({ expires_in: 20 * day })).body
    const extend = (fields: object) => keyturn.request('POST', `/v1/keys/${key.id}/extend`, { body: fields })
    const latest = new Date(Date.parse(key.created_at) + 20 * day * 1000).toISOString()
    const later = new Date(Date.parse(latest) + 1000).toISOString()
    expect((await extend({ expires_at: later })).body).toMatchObject({ code: 'max_lifetime_exceeded', latest })
    await setOrganization({ max_lifetime: 21 * day })
    expect((await extend({ expires_at: later })).body.key.expires_at).toBe(later)
  })

  it('never change a key that is there already', async () => {
    const { create, setOrganization } = await makeRules()
    const { key, secret } = (await create({ expires_in: 300 * day })).body
    const policy = { default_lifetime: 1, max_lifetime: 1, max_active_keys: 1, name_pattern: 'nothing' }
    expect((await setOrganization(policy)).status).toBe(200)
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body).toEqual({
      ...key,
      secrets: [{ ...secret, value: null }],
    })
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    const edit = { purpose: 'still editable' }
    expect((await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: edit })).status).toBe(200)
  })

  describe('about names', () => {
    it('want the whole name to match the pattern, of the organization and of the project', async () => {
      const { create, setProject } = await makeRules({ name_pattern: '[a-z]+, (production|staging)' })
      await setProject({ name_pattern: '.*production' })
      const codeFor = async (name: string) => (await create({ name })).body.code
      expect(await codeFor('zapier, production')).toBeUndefined()
      expect(await codeFor('zapier, staging')).toBe('name_does_not_match_policy')
      expect(await codeFor('zapier, production 2')).toBe('name_does_not_match_policy')
      expect(await codeFor('the production')).toBe('name_does_not_match_policy')
      const refused = await create({ name: 'Zapier' })
      expect(faultOf(refused, { status: 422 })).toBeNull()
      expect(refused.body.detail).toContain('[a-z]+, (production|staging)')
    })

    it('hold for a new name, not for an old one', async () => {
      const { create, setOrganization } = await makeRules()
      const { key } = (await create({ name: 'Old style' })).body
      await setOrganization({ name_pattern: '[a-z]+' })
      const rename = (name: string) => keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { name, purpose: name } })
      expect((await rename('Old style')).status).toBe(200)
      expect((await rename('New Style')).body.code).toBe('name_does_not_match_policy')
      expect((await rename('newstyle')).status).toBe(200)
    })

    it('take no pattern that is none', async () => {
      const { setOrganization, setProject } = await makeRules()
      for (const name_pattern of [
        '(',
        '[z-a]',
        '\\',
        'a)|(?:b',
        '(?<n>a)(?<n>b)',
        '\u0000',
        '\ud800',
        'x'.repeat(201),
        '',
      ]) {
        for (const set of [setOrganization, setProject]) {
          expect(faultOf(await set({ name_pattern }), { status: 400, path: 'policy.name_pattern' })).toBeNull()
        }
      }
    })

    it('that would take for ever are a refusal within a second, and nobody else waits', async () => {
      const { create } = await makeRules({ name_pattern: '(a+)+' })
      const startedAt = performance.now()
      const [slow] = await Promise.all([create({ name: `${'a'.repeat(40)}!` }), keyturn.verify('x'.repeat(20))])
      expect(slow.body.code).toBe('name_does_not_match_policy')
      expect(performance.now() - startedAt).toBeLessThan(2_000)
    })

    it('refuse vague ones where they say so, and warn of them where they do not', async () => {
      const { create, setProject } = await makeRules()
      for (const name of ['test', 'OLD', 'Api', 'key1', 'TéSt 2', 'api key']) {
        expect((await create({ name })).body.key.warnings).toContainEqual(
          expect.objectContaining({ code: 'vague_name' }),
        )
      }
      await setProject({ refuse_vague_names: true })
      const refused = await create({ name: 'test' })
      expect(faultOf(refused, { status: 422, code: 'name_is_vague' })).toBeNull()
      expect((await create({ name: 'Zapier test' })).status).toBe(201)
    })
  })
})

describe.each(anEngine('PGlite'))('warnings, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const codesOf = (key: Key) => key.warnings.map((warning) => warning.code).sort()
  const told = { owner: 'ada@example.com' }

  it('are none for a key with a name of its own and somebody to tell', async () => {
    const { key } = await keyturn.createKey('default', { name: 'Zapier, production', ...told })
    expect(key.warnings).toEqual([])
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.warnings).toEqual([])
  })

  it('say that nobody would be told, until there is an owner, a contact or an address of the organization', async () => {
    const { key } = await keyturn.createKey('default', { name: 'Reporting' })
    expect(codesOf(key)).toEqual(['nobody_would_be_told'])
    const withContact = await keyturn.createKey('default', { name: 'Billing', contact: 'team@example.com' })
    expect(codesOf(withContact.key)).toEqual([])
    const organization = await keyturn.createOrganization({ notification_email: 'Keys@Example.com' })
    const project = await keyturn.createProject(organization.id)
    const { key: owned } = await keyturn.createKey(project.id, { name: 'Reporting' })
    expect(owned).toMatchObject({ owner: 'keys@example.com', warnings: [] })
    const { key: nobody } = await keyturn.createKey(project.id, { name: 'Billing', owner: null })
    expect(codesOf(nobody)).toEqual(['nobody_would_be_told'])
  })

  it('name the active key that already bears the name, whatever its case and accents', async () => {
    const project = await keyturn.createProject('default')
    const first = await keyturn.createKey(project.id, { name: 'Café sync', ...told })
    const second = await keyturn.createKey(project.id, { name: 'CAFE  Sync', ...told })
    expect(second.key.warnings).toEqual([{ code: 'duplicate_name', detail: expect.stringContaining(first.key.id) }])
    const elsewhere = await keyturn.createProject('default')
    expect((await keyturn.createKey(elsewhere.id, { name: 'Café sync', ...told })).key.warnings).toEqual([])
    for (const { key } of [first, second]) await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    expect((await keyturn.createKey(project.id, { name: 'Café sync', ...told })).key.warnings).toEqual([])
  })

  it('come with a new name, too', async () => {
    const project = await keyturn.createProject('default')
    await keyturn.createKey(project.id, { name: 'Warehouse', ...told })
    const { key } = await keyturn.createKey(project.id, { name: 'Shipping', ...told })
    const rename = async (name: string) =>
      codesOf((await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { name } })).body)
    expect(await rename('warehouse')).toEqual(['duplicate_name'])
    expect(await rename('test')).toEqual(['vague_name'])
    expect(await rename('Shipping labels')).toEqual([])
  })

  it('advise to rotate when the owner changes, who may still hold the secret', async () => {
    const { key } = await keyturn.createKey('default', { name: 'Handed over', ...told })
    const edit = async (body: object) => codesOf((await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body })).body)
    expect(await edit({ owner: 'grace@example.com' })).toEqual(['rotation_advised'])
    expect(await edit({ owner: 'grace@example.com', purpose: 'the same owner' })).toEqual([])
    const { key: unowned } = await keyturn.createKey('default', { name: 'Never owned' })
    const first = await keyturn.request('PATCH', `/v1/keys/${unowned.id}`, { body: { owner: 'grace@example.com' } })
    expect(codesOf(first.body)).toEqual([])
  })

  it('never stop anything: the key is made all the same', async () => {
    const { key, secret } = await keyturn.createKey('default', { name: 'test' })
    expect(codesOf(key)).toEqual(['nobody_would_be_told', 'vague_name'])
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
  })
})
