import { managementScopes } from '@keyturn/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { newEmail, type Person, setUpOwner } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const minute = 60_000

describe.each(anEngine('PostgreSQL'))('a session that was left open, on $name', (engine) => {
  let keyturn: Keyturn
  let owner: Person
  let member: string
  let invitation: string
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
    project = (await keyturn.createProject('default')).id
    const link = await keyturn.request('POST', '/v1/organizations/default/invitations', {
      body: { email: newEmail(), role: 'member' },
    })
    invitation = link.body.invitation.id
    member = owner.id
  })
  afterAll(() => keyturn.stop())
  beforeEach(async () => {
    await owner.signIn()
    keyturn.clock.advance(15 * minute + 1000)
  })
  const key = async () => (await keyturn.createKey(project)).key.id
  const managementKey = async () =>
    (await keyturn.createManagementKey('default', { scopes: [...managementScopes] })).key.id
  const organization = '/v1/organizations/default'

  const wanted: Record<string, () => Promise<[string, string, object?]>> = {
    'deleting a key': async () => ['DELETE', `/v1/keys/${await key()}`, { confirm: 'DELETE' }],
    'deleting a management key': async () => ['DELETE', `/v1/keys/${await managementKey()}`, { confirm: 'DELETE' }],
    'API access off': async () => ['PATCH', organization, { api_access: false }],
    'API access of a project off': async () => ['PATCH', `/v1/projects/${project}`, { api_access: false }],
    'a policy': async () => ['PATCH', organization, { policy: { max_active_keys: 60 } }],
    'a policy of a project': async () => ['PATCH', `/v1/projects/${project}`, { policy: { max_active_keys: 6 } }],
    'a role': async () => ['PATCH', `${organization}/members/${member}`, { role: 'owner' }],
    'an invitation': async () => ['POST', `${organization}/invitations`, { email: newEmail(), role: 'member' }],
    'removing somebody': async () => ['POST', `${organization}/members/${member}/remove`, { force: true }],
    'a link for a password': async () => ['POST', `${organization}/members/${member}/password-reset`, {}],
    'a new management key': async () => [
      'POST',
      `${organization}/management-keys`,
      { name: 'Robot', scopes: ['verify'] },
    ],
    'another value of a management key': async () => ['POST', `/v1/keys/${await managementKey()}/rotate`, {}],
    'a second value of a management key': async () => ['POST', `/v1/keys/${await managementKey()}/secrets`, {}],
    'other scopes of a management key': async () => [
      'PATCH',
      `/v1/keys/${await managementKey()}`,
      { scopes: ['verify'] },
    ],
  }

  it.each(Object.keys(wanted))('is asked to sign in again for %s, and then may', async (name) => {
    const [method, path, body] = (await wanted[name]?.()) ?? ['', '']
    await expectNothingChanged(keyturn, async () => {
      const answer = await owner.request(method, path, { body })
      expect(faultOf(answer, { status: 403, code: 'recent_sign_in_required' })).toBeNull()
    })
    await owner.signIn()
    const { status, body: problem } = await owner.request(method, path, { body })
    // The last owner stays one, even so; what is asked for is not the sign-in any more.
    if (status >= 400) expect(problem.code).toBe('last_owner')
    if (name.startsWith('API access')) await owner.request('PATCH', path, { body: { api_access: true } })
  })

  it('revokes at once, and does what takes nothing away', async () => {
    const may: [string, string, object?][] = [
      ['POST', `/v1/keys/${await key()}/revoke`, { reason: 'leaked' }],
      ['POST', `/v1/keys/${await managementKey()}/revoke`, { reason: 'leaked' }],
      ['POST', `/v1/keys/${await managementKey()}/disable`],
      ['POST', `/v1/keys/${await key()}/rotate`],
      ['POST', `/v1/projects/${project}/keys`, { name: 'Another' }],
      ['PATCH', organization, { name: 'Default, renamed' }],
      ['PATCH', organization, { api_access: true }],
      ['POST', `/v1/projects/${project}/renewals`, { reason: 'a laptop was stolen' }],
      ['DELETE', `${organization}/invitations/${invitation}`],
    ]
    for (const [method, path, body] of may) {
      const { status, text } = await owner.request(method, path, { body })
      expect(status, `${method} ${path}: ${text}`).toBeLessThan(300)
    }
  })

  it('is asked to the second, and a key never is', async () => {
    await owner.signIn()
    keyturn.clock.advance(15 * minute - 2000)
    const removeAt = async (options = {}) =>
      (await owner.request('DELETE', `/v1/keys/${await key()}`, { body: { confirm: 'DELETE' }, ...options })).status
    expect(await removeAt()).toBe(204)
    keyturn.clock.advance(3000)
    expect(await removeAt()).toBe(403)
    expect(await removeAt({ key: keyturn.rootKey })).toBe(204)
  })
})
