import {
  actionOf,
  actionOn,
  managementScopes,
  projectRoles,
  type Role,
  rightsOf,
  roles,
  rolesFor,
} from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { anEngine, engines } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { allOperations, type Operation, operations } from '../support/operations.ts'
import { join, type Person, setUpOwner, type WantedRoles } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'
import { callOperation, expectNothingChanged, inOrder, makePlace, type Place, sampleOf } from '../support/samples.ts'

type Target = 'org' | 'project' | 'key' | 'channel' | 'reminder'
/** What the root key alone may do names what is not here yet. */
const targetOf = ({ path, action }: Operation): Target | undefined =>
  action !== null && actionOf(action).scope === 'root'
    ? undefined
    : (['org', 'project', 'key', 'channel', 'reminder'] as const).find((name) => path.includes(`{${name}}`))

const managed = inOrder(operations.filter(({ forManagementKeys }) => forManagementKeys))

interface Subject {
  readonly name: string
  readonly role: Role
  readonly on: 'organization' | 'project'
  /** Every key of their place has them as its owner. */
  readonly ownsKeys: boolean
}
const subjects: readonly Subject[] = [
  ...roles.map((role) => ({ name: `${role} of the organization`, role, on: 'organization' as const, ownsKeys: false })),
  ...projectRoles.map((role) => ({ name: `${role} of a project`, role, on: 'project' as const, ownsKeys: false })),
  { name: 'member of the organization who owns its keys', role: 'member', on: 'organization', ownsKeys: true },
  { name: 'member of a project who owns its keys', role: 'member', on: 'project', ownsKeys: true },
]

type Whose = 'own project' | 'another project' | 'another organization'

/** Of the organization as a whole, and of none of its projects. */
const isOfOrganization = (target: Target | undefined) => target === 'org' || target === 'channel'

/** Another project makes no difference to what names none, nor another organization. */
function isElsewhere(operation: Operation, whose: Whose): boolean {
  const target = targetOf(operation)
  const names = whose === 'another organization' ? target !== undefined : !isOfOrganization(target)
  return whose === 'own project' || (target !== undefined && names)
}

/** What a call comes to: by what was promised to the role, and not by how the API finds out. */
function expectedOf(subject: Subject, operation: Operation, whose: Whose): 'done' | 'missing' | 'role' | 'program' {
  const target = targetOf(operation)
  const action = operation.action
  if (action === null) throw new Error(`${operation.name} has no rule`)
  const { actions, on_own_keys } = rightsOf(subject.role, subject.on)
  if (target === undefined) return rolesFor(action).length > 0 ? 'done' : 'program'
  if (whose === 'another organization') return 'missing'
  if (whose === 'another project' && !isOfOrganization(target) && subject.on === 'project') return 'missing'
  if (actions.includes(action)) return 'done'
  if (subject.ownsKeys && whose === 'own project' && target === 'key' && on_own_keys.includes(action)) return 'done'
  return rolesFor(action).length > 0 ? 'role' : 'program'
}

/** All that a caller sees of an answer, but for what names the request and the second it came in. */
const seenOf = ({ status, headers, text, body }: Answer) => ({
  status,
  headers: Object.fromEntries([...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))),
  text: text.replaceAll(body?.request_id ?? 'no request id', 'req_…'),
})

const unknownIds = () => {
  const now = Date.now()
  return {
    org: newId('organization', now),
    project: newId('project', now),
    key: newId('key', now),
    channel: newId('channel', now),
    reminder: newId('reminder', now),
  }
}

describe('the routes', () => {
  it('have a rule each: a role that may, or who else calls them', () => {
    const ruled = allOperations.filter(({ action, forManagementKeys }) => (action !== null) === forManagementKeys)
    expect(ruled).toEqual(allOperations)
    const unruled = allOperations.filter(({ action, forSessions, open }) => action === null && !forSessions && !open)
    expect(unruled.map(({ name }) => name)).toEqual([
      'GET /v1/keys/self',
      'GET /v1/keys/self/renewal-info',
      'POST /v1/keys/self/rotate',
    ])
  })

  it('say what a role or a management key needs for it as the table does', () => {
    for (const { name, action, description } of operations) {
      const allowed: Partial<Record<Role, true | 'own'>> = action ? actionOf(action).roles : {}
      const said = /Roles: ([^.]+)\./.exec(description)?.[1]?.split(', ') ?? []
      const wanted = roles.flatMap((role) => {
        if (allowed[role] === undefined) return []
        return [allowed[role] === 'own' ? `${role} (on keys that they own)` : role]
      })
      expect([name, said]).toEqual([name, wanted])
      const scope = action && actionOf(action).scope
      if (scope === null || scope === 'any') continue
      const words = scope === 'root' ? 'root key' : `\`${scope}\``
      expect([name, description]).toEqual([name, expect.stringContaining(words)])
    }
  })
})

describe.each(anEngine('PostgreSQL'))('what people may do, on $name', (engine) => {
  let keyturn: Keyturn
  let organization: string
  let owner: Person
  /** Of people who change nothing there. */
  let neighbour: Place
  let foreign: Place
  const answers = new Map<string, Answer>()
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
    organization = (await keyturn.request('GET', '/v1/organizations/default')).body.id
    neighbour = await makePlace(keyturn, organization)
    foreign = await makePlace(keyturn)
  })
  afterAll(() => keyturn.stop())

  async function keysOf(place: Place): Promise<string[]> {
    const { body } = await keyturn.request('GET', `/v1/projects/${place.project}/keys?kind=secret&limit=200`)
    return body.data.map(({ id }: { id: string }) => id)
  }

  /** Somebody new, and a place of theirs. */
  async function meet({ role, on, ownsKeys }: Subject): Promise<{ person: Person; place: Place }> {
    const place = await makePlace(keyturn, organization)
    const wanted: WantedRoles =
      on === 'organization'
        ? { role }
        : { projects: [{ project: place.project, role: role === 'owner' ? 'admin' : role }] }
    const person = await join(keyturn, organization, wanted)
    if (ownsKeys) {
      for (const key of await keysOf(place))
        await keyturn.request('PATCH', `/v1/keys/${key}`, { body: { owner: person.email } })
    }
    return { person, place }
  }

  async function faultsOf(subject: Subject, person: Person, place: Place, whose: Whose): Promise<string[]> {
    const faults: string[] = []
    for (const operation of managed.filter((one) => isElsewhere(one, whose))) {
      const expected = expectedOf(subject, operation, whose)
      const answer = await callOperation(person, operation, place)
      const fault = await faultIn(expected, operation, answer, person, place)
      if (fault !== null) faults.push(`${operation.name}: ${expected} was expected; ${fault}`)
    }
    return faults
  }

  /** Asked once of each person: it is the same wherever they were looking for it. */
  async function answerToUnknown(person: Person, operation: Operation, place: Place, target: Target): Promise<Answer> {
    const name = `${person.id} ${operation.name}`
    const answer =
      answers.get(name) ?? (await callOperation(person, operation, { ...place, [target]: unknownIds()[target] }))
    answers.set(name, answer)
    return answer
  }

  async function faultIn(
    expected: ReturnType<typeof expectedOf>,
    operation: Operation,
    answer: Answer,
    person: Person,
    place: Place,
  ): Promise<string | null> {
    const action = operation.action ?? 'keys:read'
    if (expected === 'done') {
      const { status } = sampleOf(operation)
      return answer.status === status ? null : `${answer.status} ${answer.text}`
    }
    if (expected === 'missing') {
      const target = targetOf(operation) ?? 'key'
      const unknown = await answerToUnknown(person, operation, place, target)
      const same = JSON.stringify(seenOf(unknown)) === JSON.stringify(seenOf(answer))
      return unknown.status === 404 && same ? null : `${answer.text}, but of one that does not exist ${unknown.text}`
    }
    if (expected === 'program') {
      const code = actionOf(action).scope === 'root' ? 'root_key_required' : 'for_keys_only'
      return faultOf(answer, { status: 403, code })
    }
    const { body } = answer
    const asked = body?.administrators?.map(({ email }: { email: string }) => email)
    if (String(body?.roles) !== String(rolesFor(action))) return `the roles are ${body?.roles}: ${answer.text}`
    if (!asked?.includes(owner.email) || !body?.detail.includes(owner.email)) return `nobody to ask: ${answer.text}`
    return faultOf(answer, { status: 403, code: 'role_required' })
  }

  describe.each(subjects)('as $name', (subject) => {
    let person: Person
    let place: Place
    beforeAll(async () => {
      ;({ person, place } = await meet(subject))
    })

    it('is told by every route of another organization what is told of one that does not exist, and changes nothing', () =>
      expectNothingChanged(keyturn, async () =>
        expect(await faultsOf(subject, person, foreign, 'another organization')).toEqual([]),
      ))

    it('does by every route of another project what the role allows there, and nothing else', async () => {
      const other = subject.on === 'organization' ? await makePlace(keyturn, organization) : neighbour
      expect(await faultsOf(subject, person, other, 'another project')).toEqual([])
    })

    it('does by every route what the role allows, and else is told the role that is wanted and whom to ask', async () => {
      expect(await faultsOf(subject, person, place, 'own project')).toEqual([])
    })

    it('does to a management key what the role allows, and on a project alone it is not there', async () => {
      const { key } = await keyturn.createManagementKey(organization)
      const rights: readonly string[] = rightsOf(subject.role, subject.on).actions
      const faults: string[] = []
      for (const operation of managed.filter((one) => targetOf(one) === 'key')) {
        const answer = await callOperation(person, operation, { ...place, key: key.id })
        const action = actionOn(operation.action ?? 'keys:read', { projectId: null, management: true })
        const code = subject.on === 'project' ? 'key_not_found' : rights.includes(action) ? null : 'role_required'
        const isRefused = ['key_not_found', 'role_required'].includes(answer.body?.code)
        if (isRefused ? answer.body.code !== code : code !== null) faults.push(`${operation.name}: ${answer.text}`)
      }
      expect(faults).toEqual([])
    })
  })

  it('sees in lists and exports what belongs to its projects, and nothing else', async () => {
    const { person, place } = await meet({ name: '', role: 'manager', on: 'project', ownsKeys: false })
    const of = `/v1/organizations/${organization}`
    const list = async (path: string) => (await person.request('GET', path)).body.data
    expect((await list('/v1/organizations')).map(({ id }: { id: string }) => id)).toEqual([organization])
    expect((await list(`${of}/projects`)).map(({ id }: { id: string }) => id)).toEqual([place.project])
    const inReach = ({ project_id }: { project_id: string }) => project_id === place.project
    for (const path of ['keys', 'audit-events']) {
      const found = await list(`${of}/${path}?limit=200`)
      expect(found.length).toBeGreaterThan(0)
      expect(found.filter((one: { project_id: string }) => !inReach(one))).toEqual([])
    }
    const { text } = await person.request('GET', `${of}/audit-events.jsonl`)
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.length).toBeGreaterThan(0)
    expect(events.filter((one) => !inReach(one))).toEqual([])
    const csv = (await person.request('GET', `${of}/keys.csv`)).text
    expect(csv).toContain(place.key)
    expect(csv).not.toContain(neighbour.key)
  })

  it('is told by GET /v1/me what the roles allow where', async () => {
    const { person, place } = await meet({ name: '', role: 'member', on: 'project', ownsKeys: false })
    const { body } = await person.request('GET', '/v1/me')
    expect(body.memberships).toEqual([
      {
        organization: { id: organization, name: expect.any(String), slug: 'default' },
        role: null,
        rights: { actions: [], on_own_keys: [] },
        projects: [{ project_id: place.project, role: 'member', rights: rightsOf('member', 'project') }],
        // Whom to ask for more.
        administrators: expect.arrayContaining([{ name: 'Olga Owner', email: expect.stringMatching(/^owner-/) }]),
      },
    ])
    const { body: own } = await owner.request('GET', '/v1/me')
    expect(own.memberships[0].rights).toEqual(rightsOf('owner', 'organization'))
  })

  it('loses at once what a role allowed, and a sign-in that is open goes on with the new one', async () => {
    const { person, place } = await meet({ name: '', role: 'manager', on: 'organization', ownsKeys: false })
    const create = () =>
      person.request('POST', `/v1/projects/${place.project}/keys`, { body: { name: 'Zapier, test' } })
    expect((await create()).status).toBe(201)
    const path = `/v1/organizations/${organization}/members/${person.id}`
    expect((await owner.request('PATCH', path, { body: { role: 'auditor' } })).status).toBe(200)
    expect(faultOf(await create(), { status: 403, code: 'role_required' })).toBeNull()
    expect((await person.request('GET', `/v1/keys/${place.key}`)).status).toBe(200)
    expect((await owner.request('POST', `${path}/remove`, { body: { force: true } })).status).toBe(200)
    expect((await person.request('GET', `/v1/keys/${place.key}`)).status).toBe(401)
  })

  it('gives no role above their own: only owners make owners and unmake them', async () => {
    const admin = await join(keyturn, organization, { role: 'admin' })
    const invitations = `/v1/organizations/${organization}/invitations`
    const invited = await admin.request('POST', invitations, { body: { email: 'new@example.com', role: 'owner' } })
    expect(faultOf(invited, { status: 403, code: 'role_required' })).toBeNull()
    expect(invited.body.roles).toEqual(['owner'])
    expect(invited.body.detail).toContain(owner.email)
    const members = `/v1/organizations/${organization}/members`
    for (const [path, body] of [
      [`${members}/${owner.id}`, { role: 'member' }],
      [`${members}/${admin.id}`, { role: 'owner' }],
    ] as const) {
      const answer = await admin.request('PATCH', path, { body })
      expect(faultOf(answer, { status: 403, code: 'role_required' })).toBeNull()
    }
    const removed = await admin.request('POST', `${members}/${owner.id}/remove`, { body: { force: true } })
    expect(faultOf(removed, { status: 403, code: 'role_required' })).toBeNull()
  })

  it('gives a management key all that an administrator has, and it ends when the policy says', async () => {
    const admin = await join(keyturn, organization, { role: 'admin' })
    const path = `/v1/organizations/${organization}/management-keys`
    const body = { name: 'Deploy pipeline', scopes: [...managementScopes] }
    const { status, body: made } = await admin.request('POST', path, { body })
    expect(status).toBe(201)
    const { policy } = (await keyturn.request('GET', `/v1/organizations/${organization}`)).body
    const created = Date.parse(made.key.created_at)
    expect(Date.parse(made.key.expires_at)).toBe(created + 1000 * policy.default_lifetime)
    expect(made.key.created_by).toMatchObject({ type: 'member', id: admin.id })
    const longest = { ...body, expires_in: policy.max_lifetime + 86_400 }
    const tooLong = await admin.request('POST', path, { body: longest })
    expect(faultOf(tooLong, { status: 422, code: 'max_lifetime_exceeded' })).toBeNull()
    const listed = await admin.request('GET', `${path}?owner=${encodeURIComponent(admin.email)}`)
    expect(listed.body.data).toMatchObject([{ id: made.key.id, next_expiry_at: made.key.expires_at }])
    // It is a credential of its own: what its maker may do later is no matter to it, and the report of their leaving names it.
    const member = `/v1/organizations/${organization}/members/${admin.id}`
    await owner.request('PATCH', member, { body: { role: 'auditor' } })
    expect((await keyturn.request('GET', path, { key: made.secret.value })).status).toBe(200)
    const { body: leaving } = await owner.request('GET', `${member}/leaving`)
    expect(leaving.keys).toMatchObject([{ id: made.key.id, management: true, owned: true, created: true, seen: true }])
  })

  it('does what hurts most only within 15 minutes of a sign-in; revoking is not of that', async () => {
    const place = await makePlace(keyturn, organization)
    const { key: management } = await keyturn.createManagementKey(organization)
    const late = await join(keyturn, organization, { role: 'owner' })
    keyturn.clock.advance(15 * 60_000 + 1000)
    const ofOrganization = `/v1/organizations/${organization}`
    const wanted = async (method: string, path: string, body: object) =>
      faultOf(await late.request(method, path, { body }), { status: 403, code: 'recent_sign_in_required' })
    await expectNothingChanged(keyturn, async () => {
      for (const operation of managed.filter((one) => one.action && actionOf(one.action).recent === 'always')) {
        const answer = await callOperation(late, operation, place)
        expect([operation.name, faultOf(answer, { status: 403, code: 'recent_sign_in_required' })]).toEqual([
          operation.name,
          null,
        ])
      }
      expect(await wanted('DELETE', `/v1/keys/${management.id}`, { confirm: 'DELETE' })).toBeNull()
      for (const path of [ofOrganization, `/v1/projects/${place.project}`]) {
        expect(await wanted('PATCH', path, { api_access: false })).toBeNull()
        expect(await wanted('PATCH', path, { policy: { max_active_keys: 9 } })).toBeNull()
      }
    })
    for (const [method, path, body] of [
      ['PATCH', `/v1/projects/${place.project}`, { name: 'Storefront' }],
      ['PATCH', `/v1/projects/${place.project}`, { api_access: true }],
      ['POST', `/v1/keys/${place.key}/revoke`, { reason: 'it leaked' }],
      ['POST', `/v1/keys/${management.id}/revoke`, { reason: 'it leaked' }],
    ] as const)
      expect([path, (await late.request(method, path, { body })).status]).toEqual([path, 200])
    await late.signIn()
    expect((await late.request('DELETE', `/v1/keys/${place.key}?confirm=DELETE`)).status).toBe(204)
  })
})

describe.each(engines)('the last owner, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  async function twoOwners() {
    const { id } = await keyturn.createOrganization()
    const [one, two] = [await join(keyturn, id, { role: 'owner' }), await join(keyturn, id, { role: 'owner' })]
    const members = `/v1/organizations/${id}/members`
    const owners = async () =>
      (await keyturn.request('GET', members)).body.data.filter(({ role }: { role: string }) => role === 'owner')
    return { one, two, members, owners }
  }
  const demotion = { body: { role: 'admin' } }

  it('can neither be demoted nor removed, by whomever', async () => {
    const { one, two, members, owners } = await twoOwners()
    expect((await one.request('PATCH', `${members}/${two.id}`, demotion)).status).toBe(200)
    for (const who of [one, keyturn]) {
      const demoted = await who.request('PATCH', `${members}/${one.id}`, demotion)
      expect(faultOf(demoted, { status: 409, code: 'last_owner' })).toBeNull()
      const removed = await who.request('POST', `${members}/${one.id}/remove`, { body: { force: true } })
      expect(faultOf(removed, { status: 409, code: 'last_owner' })).toBeNull()
    }
    expect(await owners()).toMatchObject([{ id: one.id }])
  })

  it.each(['demote each other', 'step down', 'remove each other', 'leave'])(
    'is left when two owners %s at once',
    async (what) => {
      const { one, two, members, owners } = await twoOwners()
      const act = (who: Person, whom: Person) =>
        /demote|step/.test(what)
          ? who.request('PATCH', `${members}/${whom.id}`, demotion)
          : who.request('POST', `${members}/${whom.id}/remove`, { body: { force: true } })
      const other = /each other/.test(what)
      const answers = await Promise.all([act(one, other ? two : one), act(two, other ? one : two)])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(await owners()).toHaveLength(1)
    },
  )
})
