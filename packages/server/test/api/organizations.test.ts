import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

describe.each(anEngine('PGlite'))('organizations and projects, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const createOrganization = (body: object) => keyturn.request('POST', '/v1/organizations', { body })
  const createProject = (org: string, body: object) =>
    keyturn.request('POST', `/v1/organizations/${org}/projects`, { body })

  it('are there from the start: one of each, named default', async () => {
    expect((await keyturn.request('GET', '/v1/organizations')).body).toMatchObject({
      data: [{ slug: 'default', name: 'Default', api_access: true }],
      next_cursor: null,
    })
    expect((await keyturn.request('GET', '/v1/organizations/default/projects')).body).toMatchObject({
      data: [{ slug: 'default', name: 'Default', api_access: true }],
      next_cursor: null,
    })
  })

  it('are found by id and by slug, which is made from the name where none is given', async () => {
    const { body } = await createOrganization({
      name: 'Zürich & Söhne, GmbH',
      external_id: 'crm:1',
      notification_email: 'A@Example.com',
    })
    expect(body).toMatchObject({ slug: 'zurich-sohne-gmbh', external_id: 'crm:1', notification_email: 'a@example.com' })
    const { body: project } = await createProject('zurich-sohne-gmbh', { name: 'Café 2', external_id: 'crm:1' })
    expect(project).toMatchObject({ slug: 'cafe-2', organization_id: body.id, external_id: 'crm:1' })
    for (const org of [body.id, body.slug])
      expect((await keyturn.request('GET', `/v1/organizations/${org}`)).body).toEqual(body)
    for (const id of [project.id, project.slug])
      expect((await keyturn.request('GET', `/v1/projects/${id}`)).body).toEqual(project)
  })

  it('have a slug and an external id of their own: taken ones are refused, of projects within an organization', async () => {
    const one = await keyturn.createOrganization({ slug: 'hooli', external_id: 'hooli-1' })
    const other = await keyturn.createOrganization({ slug: 'pied-piper' })
    await keyturn.createProject(one.id, { slug: 'search', external_id: 'p-1' })
    await expectNothingChanged(keyturn, async () => {
      for (const [answer, code] of [
        [await createOrganization({ name: 'Another', slug: 'hooli' }), 'slug_taken'],
        [await createOrganization({ name: 'Hooli' }), 'slug_taken'],
        [await createOrganization({ name: 'Another', external_id: 'hooli-1' }), 'external_id_taken'],
        [await createProject(one.id, { name: 'Search' }), 'slug_taken'],
        [await createProject(one.id, { name: 'Another', external_id: 'p-1' }), 'external_id_taken'],
      ] as const) {
        expect(faultOf(answer, { status: 409, code })).toBeNull()
      }
    })
    const elsewhere = await createProject(other.id, { name: 'Search', external_id: 'p-1' })
    expect(elsewhere).toMatchObject({ status: 201, body: { slug: 'search' } })
  })

  it('of two made at once with one slug are one', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => createOrganization({ name: 'Racing', slug: 'racing' })))
    expect(answers.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409])
  })

  it('ask the root key for the id where several organizations have a project of that slug', async () => {
    const orgs = [await keyturn.createOrganization(), await keyturn.createOrganization()]
    const projects = await Promise.all(
      orgs.map((organization) => keyturn.createProject(organization.id, { slug: 'shared' })),
    )
    const ambiguous = await keyturn.request('GET', '/v1/projects/shared')
    expect(faultOf(ambiguous, { status: 409, code: 'slug_is_ambiguous' })).toBeNull()
    for (const [index, organization] of orgs.entries()) {
      const { secret } = await keyturn.createManagementKey(organization.id)
      const { body } = await keyturn.request('GET', '/v1/projects/shared', { key: secret.value })
      expect(body.id).toBe(projects[index]?.id)
    }
  })

  it('are renamed without a change of their slug, so that no URL breaks', async () => {
    const organization = await keyturn.createOrganization({ slug: 'aviato' })
    const project = await keyturn.createProject('aviato', { slug: 'flights' })
    const renamed = await keyturn.request('PATCH', '/v1/organizations/aviato', { body: { name: 'Aviato, Inc.' } })
    expect(renamed.body).toEqual({ ...organization, name: 'Aviato, Inc.' })
    const { body } = await keyturn.request('PATCH', '/v1/projects/flights', { body: { name: 'Flights, all' } })
    expect(body).toEqual({ ...project, name: 'Flights, all' })
  })

  it('put each kind of change on record under its own name, and what is the same not at all', async () => {
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    const actionsAfter = async (path: string, body: object) => {
      const before = (await keyturn.request('GET', `/v1/organizations/${organization.id}/audit-events?limit=1`)).body
        .data[0]
      expect((await keyturn.request('PATCH', path, { body })).status).toBe(200)
      const { body: page } = await keyturn.request('GET', `/v1/organizations/${organization.id}/audit-events`)
      return page.data
        .filter((event: { sequence: number }) => event.sequence > before.sequence)
        .map((event: { action: string }) => event.action)
        .sort()
    }
    for (const [kind, path] of [
      ['organization', `/v1/organizations/${organization.id}`],
      ['project', `/v1/projects/${project.id}`],
    ]) {
      const everything = { name: 'All at once', api_access: false, policy: { max_active_keys: 7 } }
      expect(await actionsAfter(String(path), everything)).toEqual([
        `${kind}.api_access_disabled`,
        `${kind}.policy_changed`,
        `${kind}.updated`,
      ])
      expect(await actionsAfter(String(path), everything)).toEqual([])
      expect(await actionsAfter(String(path), {})).toEqual([])
      expect(await actionsAfter(String(path), { api_access: true })).toEqual([`${kind}.api_access_enabled`])
    }
  })

  it('are listed page by page, in the order of their making, each once', async () => {
    const organization = await keyturn.createOrganization()
    const made: string[] = []
    for (let count = 0; count < 5; count++) made.push((await keyturn.createProject(organization.id)).id)
    const listed: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? 'limit=2' : `limit=2&cursor=${cursor}`
      const { body }: { body: { data: { id: string }[]; next_cursor: string | null } } = await keyturn.request(
        'GET',
        `/v1/organizations/${organization.id}/projects?${query}`,
      )
      expect(body.data.length).toBeLessThanOrEqual(2)
      listed.push(...body.data.map((project) => project.id))
      cursor = body.next_cursor
    }
    expect(listed).toEqual(made)
  })
})
