import { managementScopes } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { goodPassword, join, newEmail, Person, setUpOwner, tokenOf } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const day = 86_400_000

describe.each(anEngine('PostgreSQL'))('leaving, on $name', (engine) => {
  let keyturn: Keyturn
  let owner: Person
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
    project = (await keyturn.createProject('default')).id
  })
  afterAll(() => keyturn.stop())
  const memberPath = (person: Person) => `/v1/organizations/default/members/${person.id}`
  const create = (person: Person, fields: object = {}): Promise<Answer> =>
    person.request('POST', `/v1/projects/${project}/keys`, { body: { name: 'Warehouse sync', ...fields } })
  const leavingOf = async (person: Person) => (await owner.request('GET', `${memberPath(person)}/leaving`)).body
  const remove = async (person: Person, body: object = {}, headers = {}) => {
    await owner.signIn()
    return owner.request('POST', `${memberPath(person)}/remove`, { body, headers })
  }
  const verdictOf = async (value: string) => (await keyturn.verify(value)).code

  it('shows what somebody would leave: what they own, have created, and have seen a value of that still works', async () => {
    const person = await join(keyturn, 'default', { role: 'manager' })
    const { body: own } = await create(person)
    const { body: forAnother } = await create(person, { owner: owner.email })
    const { key: given } = await keyturn.createKey(project, { owner: person.email })
    const { key: rotated } = await keyturn.createKey(project, { owner: owner.email })
    await person.request('POST', `/v1/keys/${rotated.id}/rotate`)
    const { key: onlyRead } = await keyturn.createKey(project, { owner: owner.email })
    await person.request('GET', `/v1/keys/${onlyRead.id}`)
    const { body: revoked } = await create(person)
    await person.request('POST', `/v1/keys/${revoked.key.id}/revoke`, { body: { reason: 'a test' } })
    // Seen, and ended since.
    const { body: renewed } = await create(person, { owner: owner.email })
    await keyturn.request('POST', `/v1/keys/${renewed.key.id}/rotate`, { body: { overlap: 0 } })

    const { keys, counts } = await leavingOf(person)
    const said = Object.fromEntries(
      keys.map((key: { id: string; owned: boolean; created: boolean; seen: boolean }) => [
        key.id,
        [key.owned && 'owned', key.created && 'created', key.seen && 'seen'].filter(Boolean).join(' '),
      ]),
    )
    expect(said).toEqual({
      [own.key.id]: 'owned created seen',
      [forAnother.key.id]: 'created seen',
      [given.id]: 'owned',
      [rotated.id]: 'seen',
      [renewed.key.id]: 'created',
    })
    expect(counts).toEqual({ owned: 2, created: 3, seen: 3 })
  })

  it('one call hands the keys over and rotates the seen ones with overlap; the report has the new values, once', async () => {
    const person = await join(keyturn, 'default', { role: 'manager' })
    const successor = await join(keyturn, 'default', { role: 'manager' })
    const { body: own } = await create(person)
    const { key: unseen, secret } = await keyturn.createKey(project, { owner: person.email })
    const { body: midway } = await create(person)
    await keyturn.request('POST', `/v1/keys/${midway.key.id}/rotate`, { body: { overlap: 3600 } })

    const wanted = { hand_over_to: successor.id, rotate_seen: true, overlap: 3 * 86_400 }
    const headers = { 'idempotency-key': `leaving-${person.id}` }
    const { status, body } = await remove(person, wanted, headers)
    expect(status).toBe(200)
    expect(body.handed_over_to).toMatchObject({ id: successor.id, email: successor.email })
    const entry = (id: string) => body.keys.find((one: { id: string }) => one.id === id)
    expect(entry(own.key.id)).toMatchObject({ handed_over: true, rotation: 'rotated', key: { owner: successor.email } })
    expect(entry(unseen.id)).toMatchObject({ handed_over: true, rotation: 'not_seen', secret: null })
    expect(entry(midway.key.id)).toMatchObject({
      rotation: 'not_possible',
      reason: 'rotation_in_progress',
      secret: null,
    })

    const fresh = entry(own.key.id).secret.value
    expect([await verdictOf(own.secret.value), await verdictOf(fresh)]).toEqual(['VALID', 'VALID'])
    expect(await verdictOf(secret.value)).toBe('VALID')
    expect((await person.request('GET', '/v1/me')).status).toBe(401)
    // Whoever asked has seen the new value, and whoever left has nothing more to leave.
    expect((await leavingOf(owner)).keys.map((one: { id: string }) => one.id)).toContain(own.key.id)
    expect(
      faultOf(await owner.request('GET', `${memberPath(person)}/leaving`), { code: 'member_not_found' }),
    ).toBeNull()
    const again = await remove(person, wanted, headers)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body.keys).toHaveLength(body.keys.length)

    const events = await keyturn.request('GET', '/v1/organizations/default/audit-events?action=member.removed&limit=1')
    expect(events.body.data[0]).toMatchObject({
      actor: { type: 'member', id: owner.id },
      target: { id: person.id },
      after: { handed_over_to: successor.id, rotated: [own.key.id] },
    })
    expect(events.text).not.toContain(fresh.slice(12, 30))
    keyturn.clock.advance(3 * day)
    await owner.signIn()
    expect([await verdictOf(own.secret.value), await verdictOf(fresh)]).toEqual(['ROTATED', 'VALID'])
  })

  it('takes no link along: neither an invitation, nor one with which a secret is made', async () => {
    const person = await join(keyturn, 'default', { role: 'admin' })
    const { key } = await keyturn.createKey(project, { owner: owner.email })
    const email = newEmail('their-other-address')
    const invited = await person.request('POST', '/v1/organizations/default/invitations', {
      body: { email, role: 'admin' },
    })
    const { body: link } = await person.request('POST', `/v1/keys/${key.id}/claim-links`, { body: {} })
    const { body: feed } = await person.request('POST', '/v1/organizations/default/feed-tokens', {
      body: { name: 'Their calendar' },
    })
    const links = { invitations: 1, claim_links: 1, feed_tokens: 1 }
    expect((await leavingOf(person)).open_links).toEqual(links)

    expect((await remove(person, { force: true })).body.withdrawn_links).toEqual(links)
    const token = tokenOf(invited.body.url)
    const back = await new Person(keyturn).request('POST', '/v1/invitations/accept', {
      body: { token, name: 'Back', password: 'four words are enough' },
    })
    expect(back.body.code).toBe('link_expired')
    const { pathname } = new URL(link.url)
    const claimed = await keyturn.request('POST', pathname, {
      key: null,
      raw: 'confirm=yes',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([claimed.status, claimed.text.includes('kt_live_')]).toEqual([410, false])
    const { body } = await keyturn.request('GET', '/v1/organizations/default/audit-events?limit=5')
    const actions = body.data.map((event: { action: string }) => event.action)
    const withdrawn = ['invitation.withdrawn', 'key.claim_link_withdrawn', 'feed_token.revoked']
    expect(actions).toEqual(expect.arrayContaining(withdrawn))
    const calendar = new URL(feed.url)
    const read = await keyturn.request('GET', `${calendar.pathname}${calendar.search}`, { key: null })
    expect(faultOf(read, { status: 403, code: 'invalid_feed_token' })).toBeNull()
  })

  it('is refused while keys would belong to nobody, and changes nothing then', async () => {
    const person = await join(keyturn, 'default', { role: 'manager' })
    const stranger = await join(keyturn, (await keyturn.createOrganization()).id, { role: 'owner' })
    await create(person)
    await owner.signIn()
    const attempts: [object, string][] = [
      [{}, 'member_owns_keys'],
      [{ hand_over_to: person.id }, 'invalid_request'],
      [{ hand_over_to: stranger.id }, 'member_not_found'],
      [{ hand_over_to: 'per_nobody' }, 'member_not_found'],
      [{ hand_over_to: owner.id, rotate_seen: true, overlap: 40 * 86_400 }, 'overlap_too_long'],
    ]
    await expectNothingChanged(keyturn, async () => {
      for (const [body, code] of attempts) {
        const answer = await owner.request('POST', `${memberPath(person)}/remove`, { body })
        expect(faultOf(answer, { code }), code).toBeNull()
      }
    })
    expect((await person.request('GET', '/v1/me')).body.memberships).toHaveLength(1)
    expect((await remove(person, { force: true })).status).toBe(200)
  })

  it('is not for the last owner, and of two owners that remove each other one stays', async () => {
    await owner.signIn()
    const last = await owner.request('POST', `${memberPath(owner)}/remove`, { body: { force: true } })
    expect(faultOf(last, { status: 409, code: 'last_owner' })).toBeNull()
    const organization = await keyturn.createOrganization()
    const [one, two] = [
      await join(keyturn, organization.id, { role: 'owner' }),
      await join(keyturn, organization.id, { role: 'owner' }),
    ]
    const path = (person: Person) => `/v1/organizations/${organization.id}/members/${person.id}/remove`
    const answers = await Promise.all([
      one.request('POST', path(two), { body: { force: true } }),
      two.request('POST', path(one), { body: { force: true } }),
    ])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const { body } = await keyturn.request('GET', `/v1/organizations/${organization.id}/members`)
    expect(body.data).toMatchObject([{ role: 'owner' }])
  })

  it('shows nobody a value that can do more than they can', async () => {
    const person = await join(keyturn, 'default', { role: 'admin' })
    await person.request('POST', '/v1/organizations/default/management-keys', {
      body: { name: 'All-powerful', scopes: [...managementScopes] },
    })
    await owner.signIn()
    await owner.request('PATCH', memberPath(person), { body: { role: 'member' } })
    const scopes = ['keys:read', 'keys:write', 'members:read', 'members:write']
    const { secret } = await keyturn.createManagementKey('default', { scopes })
    const { status, body } = await keyturn.request('POST', `${memberPath(person)}/remove`, {
      key: secret.value,
      body: { force: true, rotate_seen: true },
    })
    expect(status).toBe(200)
    expect(body.keys).toMatchObject([
      { management: true, rotation: 'not_possible', reason: 'insufficient_scope', secret: null },
    ])
  })

  it('from one organization leaves what somebody is in another, and their session', async () => {
    const organization = await keyturn.createOrganization()
    const person = await join(keyturn, organization.id, { role: 'manager' })
    const invited = await keyturn.request('POST', '/v1/organizations/default/invitations', {
      body: { email: person.email, role: 'member' },
    })
    await person.request('POST', '/v1/invitations/accept', { body: { token: tokenOf(invited.body.url) } })
    expect((await remove(person)).status).toBe(200)
    const { body } = await person.request('GET', '/v1/me')
    expect(body.memberships).toMatchObject([{ organization: { id: organization.id }, role: 'manager' }])
  })

  describe('by oneself', () => {
    const goAway = (person: Person, org = 'default') => person.request('DELETE', `/v1/me/memberships/${org}`)

    it('ends the membership and withdraws open links, and the event names what was seen', async () => {
      const person = await join(keyturn, 'default', { role: 'admin' })
      const { body } = await create(person, { owner: owner.email })
      const invited = await person.request('POST', '/v1/organizations/default/invitations', {
        body: { email: newEmail(), role: 'member' },
      })
      expect((await goAway(person)).status).toBe(204)
      expect((await person.request('GET', '/v1/me')).status).toBe(401)
      expect((await person.request('GET', `/v1/keys/${body.key.id}`)).status).toBe(401)
      const stranger = new Person(keyturn)
      const accepted = await stranger.request('POST', '/v1/invitations/accept', {
        body: { token: tokenOf(invited.body.url), name: 'Grace', password: goodPassword },
      })
      expect(accepted.body.code).toBe('link_expired')
      expect(await verdictOf(body.secret.value)).toBe('VALID')
      const events = await owner.request('GET', '/v1/organizations/default/audit-events?action=member.removed')
      const mine = events.body.data.find((event: { actor: { id: string } }) => event.actor.id === person.id)
      expect(mine).toMatchObject({
        target: { id: person.id },
        after: { created: [body.key.id], seen: [body.key.id], owned: [], rotated: [] },
      })
    })

    it('is refused while one owns keys, with what to do, and nothing changes', async () => {
      const person = await join(keyturn, 'default', { role: 'manager' })
      const { body } = await create(person)
      await expectNothingChanged(keyturn, async () => {
        expect(await goAway(person)).toMatchObject({ status: 409, body: { code: 'leaves_keys_behind', owned: 1 } })
      })
      await person.request('PATCH', `/v1/keys/${body.key.id}`, { body: { owner: owner.email } })
      expect((await goAway(person)).status).toBe(204)
    })

    it('is refused to the last owner; of two at once one stays', async () => {
      const organization = await keyturn.createOrganization()
      const two = await Promise.all([1, 2].map(() => join(keyturn, organization.id, { role: 'owner' })))
      const answers = await Promise.all(two.map((person) => goAway(person, organization.id)))
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409])
      expect(answers.find(({ status }) => status === 409)?.body.code).toBe('last_owner')
      await expectNothingChanged(keyturn, async () => {
        expect((await goAway(owner)).body.code).toBe('last_owner')
      })
    })

    it('from where one is no member is as from nowhere', async () => {
      const person = await join(keyturn, 'default', { role: 'member' })
      const { id } = await keyturn.createOrganization()
      const [foreign, missing] = [await goAway(person, id), await goAway(person, 'org_none')]
      for (const answer of [foreign, missing])
        expect(faultOf(answer, { status: 404, code: 'organization_not_found' })).toBeNull()
      expect(foreign.body.detail).toBe(missing.body.detail)
    })
  })
})
