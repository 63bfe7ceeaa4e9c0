import { managementScopes, type Organization, type Project } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { goodPassword, join, newEmail, Person, setUpOwner, tokenOf } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'

const minute = 60_000
const allScopes = [...managementScopes]

describe.each(anEngine('PostgreSQL'))('a portal session, on $name', (engine) => {
  let keyturn: Keyturn
  let product: string
  let organization: Organization
  let project: Project
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    organization = await keyturn.createOrganization({ name: 'Customer 42', external_id: 'customer-42' })
    project = await keyturn.createProject(organization.id, { external_id: 'workspace-7' })
    product = (await keyturn.createManagementKey(organization.id, { scopes: allScopes })).secret.value
  })
  afterAll(() => keyturn.stop())
  const ask = (body: object, org = organization.id, key = product) =>
    keyturn.request('POST', `/v1/organizations/${org}/portal-sessions`, {
      key,
      body: { email: newEmail('ada'), name: 'Ada', role: 'admin', ...body },
    })
  const pathOf = (url: string) => `/portal?token=${tokenOf(url)}`
  async function enter(fields: object = {}): Promise<Person> {
    const { body } = await ask(fields)
    const person = new Person(keyturn)
    const answer = await person.request('GET', pathOf(body.url))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/signed-in'])
    person.id = body.member_id
    return person
  }

  it('does not stand in the way of the first owner, nor of an account of their own', async () => {
    const email = newEmail('first')
    const through = await enter({ email, role: 'manager' })
    const owner = await setUpOwner(keyturn, email)
    expect((await owner.request('GET', '/v1/me')).body.memberships).toMatchObject([
      { organization: { slug: 'default' }, role: 'owner' },
    ])
    expect((await through.request('GET', '/v1/me')).body.id).toBe(owner.id)

    // Invited where the product is: the link gives them a password. By a stranger, only what went to their mailbox does.
    const known = newEmail('known')
    await enter({ email: known, role: 'member' })
    const stranger = await keyturn.createOrganization()
    const byStranger = await keyturn.request('POST', `/v1/organizations/${stranger.id}/invitations`, {
      body: { email: known, role: 'member' },
    })
    const takeOver = await new Person(keyturn).request('POST', '/v1/invitations/accept', {
      body: { token: tokenOf(byStranger.body.url), name: 'Mallory', password: goodPassword },
    })
    expect(takeOver.body.code).toBe('sign_in_to_accept')
    expect(await join(keyturn, organization.id, { role: 'admin' }, known)).toMatchObject({ email: known })
  })

  it('is opened by a link that the product asks for by its own id of the customer, with the role that it names', async () => {
    const found = await keyturn.request('GET', '/v1/organizations?external_id=customer-42')
    expect(found.body.data).toMatchObject([{ id: organization.id }])
    const projects = await keyturn.request(
      'GET',
      `/v1/organizations/${organization.id}/projects?external_id=workspace-7`,
    )
    expect(projects.body.data).toMatchObject([{ id: project.id }])
    const ada = await enter({ role: 'manager' })
    const { body } = await ada.request('GET', '/v1/me')
    expect(body).toMatchObject({
      name: 'Ada',
      session: { organization_id: organization.id },
      memberships: [{ organization: { id: organization.id }, role: 'manager' }],
    })
    expect((await ada.request('POST', `/v1/projects/${project.id}/keys`, { body: { name: 'Hers' } })).status).toBe(201)
  })

  it('a link works once, however many come with it at once', async () => {
    const { body } = await ask({})
    const people = Array.from({ length: 4 }, () => new Person(keyturn))
    const answers = await Promise.all(people.map((person) => person.request('GET', pathOf(body.url))))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 410, 410, 410])
    expect(answers.filter(({ headers }) => headers.getSetCookie().length > 0)).toHaveLength(1)
    const again = await new Person(keyturn).request('GET', pathOf(body.url))
    expect([again.status, again.headers.getSetCookie()]).toEqual([410, []])
  })

  it('a link is worth nothing after five minutes, changed, or left out', async () => {
    const { body } = await ask({})
    const token = tokenOf(body.url)
    for (const wrong of ['', 'x', `${token}x`, token.slice(0, -1)])
      expect((await new Person(keyturn).request('GET', `/portal?token=${wrong}`)).status, wrong).toBe(410)
    keyturn.clock.advance(5 * minute)
    expect((await new Person(keyturn).request('GET', pathOf(body.url))).status).toBe(410)
  })

  it('a link is not used up by what only looks at it, and signs nobody in unseen', async () => {
    const { body } = await ask({})
    const path = pathOf(body.url)
    const person = new Person(keyturn)
    expect((await person.request('HEAD', path)).status).toBe(200)
    const notByPeople: Record<string, string>[] = [
      { 'sec-fetch-dest': 'image' },
      { 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-dest': 'empty' },
      { 'sec-purpose': 'prefetch;prerender' },
    ]
    for (const headers of notByPeople) {
      const answer = await person.request('GET', path, { headers })
      expect([answer.status, answer.headers.getSetCookie()], JSON.stringify(headers)).toEqual([200, []])
    }
    const headers = { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' }
    expect((await person.request('GET', path, { headers })).status).toBe(303)
  })

  it('holds in the organization of its product alone, whatever else the person is', async () => {
    const other = await keyturn.createOrganization()
    const everywhere = await join(keyturn, other.id, { role: 'admin' })
    const { key } = await keyturn.createKey((await keyturn.createProject(other.id)).id)
    const { key: own } = await keyturn.createKey(project.id)
    const through = await enter({ email: everywhere.email, role: 'admin' })
    expect((await through.request('GET', `/v1/keys/${own.id}`)).status).toBe(200)
    for (const path of [`/v1/keys/${key.id}`, `/v1/organizations/${other.id}/members`])
      expect(faultOf(await through.request('GET', path), { status: 404 }), path).toBeNull()
    const { body } = await through.request('GET', '/v1/me')
    expect(body.memberships.map((one: { organization: { id: string } }) => one.organization.id)).toEqual([
      organization.id,
    ])
    // And the other way round: what the product says holds in no session of the person's own.
    expect((await everywhere.request('GET', `/v1/keys/${own.id}`)).body.code).toBe('key_not_found')
    // Nor does the product see or end what they do elsewhere, or take their account over.
    const { body: sessions } = await through.request('GET', '/v1/me/sessions')
    expect(sessions.data).toHaveLength(1)
    const { body: all } = await everywhere.request('GET', '/v1/me/sessions')
    const foreign = all.data.find((one: { organization_id: string | null }) => one.organization_id === null)
    expect((await through.request('DELETE', `/v1/me/sessions/${foreign.id}`)).body.code).toBe('session_not_found')
    const password = { current_password: goodPassword, password: 'taken over by the product' }
    expect((await through.request('POST', '/v1/me/password', { body: password })).body.code).toBe('session_required')
    expect((await through.request('POST', '/v1/me/two-factor', { body: { password: 'x' } })).body.code).toBe(
      'session_required',
    )
  })

  it('is not for a key of another organization, nor for one that could do less, nor for people', async () => {
    const other = await keyturn.createOrganization()
    const foreign = (await keyturn.createManagementKey(other.id, { scopes: allScopes })).secret.value
    const weak = (await keyturn.createManagementKey(organization.id, { scopes: ['members:write', 'keys:read'] })).secret
    const bound = await keyturn.createManagementKey(organization.id, { scopes: allScopes, projects: [project.id] })
    expect(faultOf(await ask({}, organization.id, foreign), { status: 404 })).toBeNull()
    expect(faultOf(await ask({}, organization.id, weak.value), { code: 'cannot_give_more_than_you_have' })).toBeNull()
    expect(faultOf(await ask({}, organization.id, bound.secret.value), { status: 403 })).toBeNull()
    const admin = await join(keyturn, organization.id, { role: 'owner' })
    const body = { email: newEmail(), role: 'member' }
    const byPerson = await admin.request('POST', `/v1/organizations/${organization.id}/portal-sessions`, { body })
    expect(faultOf(byPerson, { code: 'for_keys_only' })).toBeNull()
  })

  it('ends what the browser had, and is over at its own time', async () => {
    const person = await enter({ ttl: 600 })
    const before = person.cookie
    const { body } = await ask({ ttl: 600 })
    await person.request('GET', pathOf(body.url))
    expect((await keyturn.request('GET', '/v1/me', { key: null, headers: { cookie: before } })).status).toBe(401)
    expect((await person.request('GET', '/v1/me')).status).toBe(200)
    keyturn.clock.advance(10 * minute)
    expect((await person.request('GET', '/v1/me')).status).toBe(401)
  })

  it('keeps the role of whoever was invited, and changes the one that a product gave', async () => {
    const invited = await join(keyturn, organization.id, { role: 'auditor' })
    const through = await enter({ email: invited.email, role: 'admin' })
    expect((await through.request('GET', '/v1/me')).body.memberships).toMatchObject([{ role: 'auditor' }])
    const email = newEmail()
    await enter({ email, role: 'member' })
    const promoted = await enter({ email, role: 'manager' })
    expect((await promoted.request('GET', '/v1/me')).body.memberships).toMatchObject([{ role: 'manager' }])
  })
})
