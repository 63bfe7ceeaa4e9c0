import type { Key, Project } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

describe.each(anEngine('PGlite'))('the legacy key of a project, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  async function legacyKeysOf(project: string): Promise<Key[]> {
    const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys`)
    return body.data.filter((key: Key) => key.legacy)
  }

  async function legacyKeyOf(project: Pick<Project, 'id'>): Promise<Key> {
    const [key] = await legacyKeysOf(project.id)
    if (!key) throw new Error('the project has no legacy key')
    return key
  }

  it('is there from the start, one in each project, the first one too', async () => {
    const project = await keyturn.createProject('default')
    for (const id of ['default', project.id]) {
      expect(await legacyKeysOf(id)).toMatchObject([
        {
          kind: 'publishable',
          environment: 'live',
          status: 'active',
          never_expires: true,
          expires_at: null,
          next_expiry_at: null,
          secrets: [{ slot: 'primary', status: 'live', value: expect.stringMatching(/^kt_pub_live_/) }],
        },
      ])
    }
  })

  it('identifies its project where a publishable value may', async () => {
    const project = await keyturn.createProject('default')
    const key = await legacyKeyOf(project)
    const value = String(key.secrets[0]?.value)
    const verdict = await keyturn.verify(value, { kinds: ['publishable'], project: project.id })
    expect(verdict).toMatchObject({ code: 'VALID', expires_at: null, key: { id: key.id, project_id: project.id } })
    expect((await keyturn.verify(value)).code).toBe('WRONG_KIND')
    expect((await keyturn.verify(value, { kinds: ['publishable'], project: 'default' })).code).toBe('WRONG_PROJECT')
  })

  it('never expires, however short the policy lets keys live', async () => {
    const organization = await keyturn.createOrganization()
    const policy = { default_lifetime: 60, max_lifetime: 60, allow_never_expires: false }
    await keyturn.request('PATCH', `/v1/organizations/${organization.id}`, { body: { policy } })
    const project = await keyturn.createProject(organization.id)
    const key = await legacyKeyOf(project)
    keyturn.clock.advance(10 * 365 * 86_400_000)
    const value = String(key.secrets[0]?.value)
    expect((await keyturn.verify(value, { kinds: ['publishable'] })).code).toBe('VALID')
    expect(await legacyKeyOf(project)).toMatchObject({ status: 'active', expiring: false })
  })

  it('counts against the limit', async () => {
    const project = await keyturn.createProject('default')
    await keyturn.request('PATCH', `/v1/projects/${project.id}`, { body: { policy: { max_active_keys: 1 } } })
    const answer = await keyturn.request('POST', `/v1/projects/${project.id}/keys`, { body: { name: 'One too many' } })
    expect(faultOf(answer, { status: 409, code: 'active_key_limit_reached' })).toBeNull()
    expect(answer.body).toMatchObject({ active: 1, limit: 1 })
  })

  it.each([
    ['POST', '/disable', {}, 'legacy_key_cannot_be_disabled', /Rotate it/],
    ['POST', '/revoke', { reason: 'leaked' }, 'legacy_key_cannot_be_revoked', /Rotate it/],
    ['DELETE', '', { confirm: 'DELETE' }, 'legacy_key_cannot_be_deleted', /Rotate it/],
    ['POST', '/extend', { expires_in: 3600 }, 'legacy_key_never_expires', /nothing to extend/],
  ] as const)(
    '%s %s gets 409 with what to do instead, and changes nothing',
    async (method, path, body, code, remedy) => {
      const project = await keyturn.createProject('default')
      const key = await legacyKeyOf(project)
      await expectNothingChanged(keyturn, async () => {
        const answer = await keyturn.request(method, `/v1/keys/${key.id}${path}`, { body })
        expect(faultOf(answer, { status: 409, code })).toBeNull()
        expect(answer.body.detail).toMatch(remedy)
      })
      expect(await legacyKeyOf(project)).toEqual(key)
    },
  )

  it('can be renamed and described, and stays what it is', async () => {
    const key = await legacyKeyOf(await keyturn.createProject('default'))
    const edit = { name: 'Storefront, browser', contact: 'team@example.com' }
    const { body } = await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: edit })
    expect(body).toMatchObject({ ...edit, legacy: true, never_expires: true, secrets: key.secrets })
  })

  it('bothers nobody with warnings that nobody would be told: it has no end to tell of', async () => {
    expect((await legacyKeyOf(await keyturn.createProject('default'))).warnings).toEqual([])
  })
})
