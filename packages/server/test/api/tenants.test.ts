import { actionOf, managementScopes } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { mintValue } from '../../src/keys/format.ts'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { type Operation, operations } from '../support/operations.ts'
import { callOperation, expectNothingChanged, makePlace, type Place } from '../support/samples.ts'

type Target = 'org' | 'project' | 'key' | 'channel'
/** What the root key alone may do names what is not here yet. */
const targetOf = ({ path, action }: Operation): Target | undefined =>
  action !== null && actionOf(action).scope === 'root'
    ? undefined
    : (['org', 'project', 'key', 'channel'] as const).find((name) => path.includes(`{${name}}`))

/** Every endpoint that takes the id of something that belongs to somebody. */
const withTarget = operations.filter((operation) => targetOf(operation) !== undefined)

/** Ids of the right shape that nobody was given. */
const missing = () => {
  const now = Date.now()
  return {
    org: newId('organization', now),
    project: newId('project', now),
    key: newId('key', now),
    channel: newId('channel', now),
  }
}

const allScopes = [...managementScopes]

/** All that a caller sees of an answer, but for what names the request and the second it came in. */
const seenOf = ({ status, headers, text, body }: Answer) => ({
  status,
  headers: Object.fromEntries([...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))),
  text: text.replaceAll(body?.request_id ?? 'no request id', 'req_…'),
})

const reaches = ['all of its own organization', 'one project of its own organization'] as const
type Reach = (typeof reaches)[number]

describe.each(anEngine('PostgreSQL'))('what belongs to another organization, on $name', (engine) => {
  let keyturn: Keyturn
  let own: Place
  let neighbour: Place
  let foreign: Place
  const foreignThings: Record<Target, string[]> = { org: [], project: [], key: [], channel: [] }
  const callers: Record<Reach, string> = {
    'all of its own organization': '',
    'one project of its own organization': '',
  }

  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    own = await makePlace(keyturn)
    neighbour = await makePlace(keyturn, own.org)
    foreign = await makePlace(keyturn, (await keyturn.createOrganization({ slug: 'initech' })).id)
    const { slug } = await keyturn.createProject('initech', { slug: 'initech-store' })
    const { key: foreignManagement } = await keyturn.createManagementKey('initech', { scopes: allScopes })
    const { body: keys } = await keyturn.request('GET', `/v1/projects/${foreign.project}/keys`)
    foreignThings.org = [foreign.org, 'initech']
    foreignThings.project = [foreign.project, slug, await hiddenProject(foreign.org)]
    foreignThings.key = [...keys.data.map((key: { id: string }) => key.id), foreignManagement.id]
    foreignThings.channel = [foreign.channel ?? '', (await makePlace(keyturn, foreign.org)).channel ?? '']
    const whole = await keyturn.createManagementKey(own.org, { scopes: allScopes })
    const bound = await keyturn.createManagementKey(own.org, { scopes: allScopes, projects: [own.project] })
    callers['all of its own organization'] = whole.secret.value
    callers['one project of its own organization'] = bound.secret.value
  })
  afterAll(() => keyturn.stop())

  async function hiddenProject(organizationId: string): Promise<string> {
    const { id } = await keyturn.database.reader
      .selectFrom('projects')
      .select('id')
      .where('organization_id', '=', organizationId)
      .where('management', '=', true)
      .executeTakeFirstOrThrow()
    return id
  }

  async function expectMissing(operation: Operation, target: Target, id: string, key: string) {
    const unknown = missing()[target]
    const [answer, answerToUnknown] = await Promise.all([
      callOperation(keyturn, operation, { ...own, [target]: id }, { key }),
      callOperation(keyturn, operation, { ...own, [target]: unknown }, { key }),
    ])
    expect(answerToUnknown).toMatchObject({ status: 404, body: { code: expect.stringMatching(/_not_found$/) } })
    expect(seenOf(answer)).toEqual(seenOf(answerToUnknown))
  }

  describe.each(withTarget)('$name', (operation) => {
    const target = targetOf(operation) ?? 'key'
    const whole = () => callers['all of its own organization']
    const bound = () => callers['one project of its own organization']

    it.each(reaches)(
      'answers as for one that does not exist to a key that reaches %s, and changes nothing',
      async (reach) => {
        expect(foreignThings[target].length).toBeGreaterThan(1)
        await expectNothingChanged(keyturn, async () => {
          for (const id of foreignThings[target]) await expectMissing(operation, target, id, callers[reach])
        })
      },
    )

    if (operation.body !== null) {
      it('says so without a field in the body, too', async () => {
        for (const id of foreignThings[target]) {
          const [toForeign, toUnknown] = await Promise.all(
            [id, missing()[target]].map((place) =>
              callOperation(keyturn, operation, { ...own, [target]: place }, { key: whole(), body: {} }),
            ),
          )
          expect(toForeign && seenOf(toForeign)).toEqual(toUnknown && seenOf(toUnknown))
          expect(toForeign?.status).toBeGreaterThanOrEqual(400)
        }
      })
    }

    if (target === 'project') {
      it('does not find the hidden project of management keys, whoever asks', async () => {
        const hidden = await hiddenProject(own.org)
        for (const key of [keyturn.rootKey, whole(), bound()]) {
          await expectMissing(operation, target, hidden, key)
          await expectMissing(operation, target, '_management', key)
        }
      })
    }

    if (target === 'project' || target === 'key') {
      it('answers the same of another project of its organization to a key that does not reach it', () =>
        expectNothingChanged(keyturn, () => expectMissing(operation, target, neighbour[target], bound())))
    }

    if (target === 'key') {
      it('answers the same of a management key to a key that does not reach the whole organization', async () => {
        const { key } = await keyturn.createManagementKey(own.org)
        await expectNothingChanged(keyturn, () => expectMissing(operation, target, key.id, bound()))
      })
    }
  })

  it('is found by whoever reaches it, so that these tests prove something', async () => {
    for (const operation of withTarget) {
      const place = await makePlace(keyturn, own.org, operation)
      const answer = await callOperation(keyturn, operation, place, { key: callers['all of its own organization'] })
      expect([operation.name, answer.status < 300]).toEqual([operation.name, true])
    }
  })

  it('is not among the projects that a new management key can be given', async () => {
    const path = `/v1/organizations/${own.org}/management-keys`
    const answers = await Promise.all(
      [
        missing().project,
        foreign.project,
        'initech-store',
        await hiddenProject(own.org),
        await hiddenProject(foreign.org),
      ].map((project) =>
        keyturn.request('POST', path, {
          key: callers['all of its own organization'],
          body: { name: 'Reaching out', scopes: ['keys:read'], projects: [own.project, project] },
        }),
      ),
    )
    for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: { code: 'project_not_found' } })
    for (const answer of answers) expect(seenOf(answer)).toEqual(seenOf(answers[0] as Answer))
  })

  describe('in lists', () => {
    it.each(reaches)('is never a row, for a key that reaches %s', async (reach) => {
      const key = callers[reach]
      const projects = reach === 'all of its own organization' ? undefined : [own.project]
      const statuses = 'status=active,disabled,expired,revoked'
      const lists = [
        '/v1/organizations',
        `/v1/organizations/${own.org}/projects`,
        `/v1/organizations/${own.org}/keys?${statuses}`,
        `/v1/organizations/${own.org}/management-keys?${statuses}`,
        `/v1/organizations/${own.org}/audit-events`,
        `/v1/projects/${own.project}/keys?${statuses}`,
      ]
      for (const list of lists) {
        for (const row of await readAll(keyturn, list, key)) {
          expect(row.organization_id ?? row.id).toBe(own.org)
          const project =
            row.project_id ?? (row.slug === undefined || list === '/v1/organizations' ? undefined : row.id)
          if (projects) expect([undefined, ...projects]).toContain(project)
        }
      }
      for (const csv of [`/v1/organizations/${own.org}/keys.csv`, `/v1/projects/${own.project}/keys.csv`]) {
        const { text, status } = await keyturn.request('GET', `${csv}?${statuses}`, { key })
        expect(status).toBe(200)
        for (const id of [...foreignThings.key, foreign.project]) expect(text).not.toContain(id)
        expect(text).toContain(own.key)
        expect(text.includes(neighbour.key)).toBe(csv.includes('/organizations/') && !projects)
      }
    })

    it('is never found by a search, a cursor or a filter', async () => {
      const key = callers['all of its own organization']
      const { body } = await keyturn.request('GET', `/v1/keys/${foreign.key}`)
      const queries = [`q=${foreign.key}`, `q=${encodeURIComponent(body.name)}`, `q=${body.secrets[0].hint.slice(-4)}`]
      for (const query of queries) {
        const found = await keyturn.request('GET', `/v1/organizations/${own.org}/keys?${query}`, { key })
        for (const row of found.body.data) expect(row.organization_id).toBe(own.org)
        expect(found.body.data.map((row: { id: string }) => row.id)).not.toContain(foreign.key)
      }
      const after = await keyturn.request('GET', `/v1/organizations?cursor=org_0`, { key })
      expect(after.body.data.map((row: { id: string }) => row.id)).toEqual([own.org])
      const [events, none] = await Promise.all(
        [foreign.key, missing().key].map((id) =>
          keyturn.request('GET', `/v1/organizations/${own.org}/audit-events?key=${id}`, { key }),
        ),
      )
      expect(events?.body).toEqual(none?.body)
    })

    it('does not count', async () => {
      const key = callers['one project of its own organization']
      const path = `/v1/organizations/${own.org}/keys`
      const before = (await keyturn.request('GET', path, { key })).body.counts
      await keyturn.createKey(foreign.project)
      await keyturn.createKey(neighbour.project)
      await keyturn.createManagementKey(own.org)
      expect((await keyturn.request('GET', path, { key })).body.counts).toEqual(before)
    })
  })

  describe('at verify', () => {
    const verifyAs = (key: string, value: string, demand: object = {}) =>
      keyturn.request('POST', '/v1/verify', { key, body: { key: value, ...demand } })

    it('gives what a well-formed value gives that nobody was given', async () => {
      const unknown = mintValue('kt_live_').reveal()
      const publishable = await keyturn.createKey(foreign.project, { kind: 'publishable' })
      const management = await keyturn.createManagementKey(own.org)
      const foreignManagement = await keyturn.createManagementKey(foreign.org)
      const demands = [{}, { project: foreign.project }, { kinds: ['publishable'] }, { ip: '192.0.2.1', scopes: ['a'] }]
      const values = [
        foreign.ownValue,
        publishable.secret.value,
        foreignManagement.secret.value,
        management.secret.value,
      ]
      for (const demand of demands) {
        const expected = await verifyAs(callers['all of its own organization'], unknown, demand)
        expect(expected.body).toMatchObject({
          valid: false,
          code: 'NOT_FOUND',
          key: null,
          secret: null,
          expires_at: null,
        })
        for (const key of Object.values(callers)) {
          for (const value of values) expect((await verifyAs(key, value, demand)).text).toBe(expected.text)
        }
      }
    })

    it('stays so whatever has happened to the foreign key', async () => {
      const expected = await verifyAs(callers['all of its own organization'], mintValue('kt_live_').reveal())
      const { key, secret } = await keyturn.createKey(foreign.project)
      for (const action of ['disable', 'enable', 'revoke']) {
        await keyturn.request('POST', `/v1/keys/${key.id}/${action}`)
        expect((await verifyAs(callers['all of its own organization'], secret.value)).text).toBe(expected.text)
      }
    })

    it('of a key that reaches one project has nothing to say of the others', async () => {
      const key = callers['one project of its own organization']
      expect((await verifyAs(key, own.ownValue)).body.code).toBe('VALID')
      const unknown = await verifyAs(key, mintValue('kt_live_').reveal())
      expect((await verifyAs(key, neighbour.ownValue)).text).toBe(unknown.text)
      expect((await verifyAs(callers['all of its own organization'], neighbour.ownValue)).body.code).toBe('VALID')
    })

    it('says the same of a wrong project, whether that one exists or not', async () => {
      const key = callers['all of its own organization']
      const texts = new Set<string>()
      for (const project of [missing().project, foreign.project, 'initech-store', neighbour.project, 'nothing']) {
        texts.add((await verifyAs(key, own.ownValue, { project })).text)
      }
      expect([...texts]).toEqual([expect.stringContaining('"WRONG_PROJECT"')])
    })
  })

  describe('for a key that reaches one project', () => {
    it('the organization as a whole cannot be changed', async () => {
      const key = callers['one project of its own organization']
      await expectNothingChanged(keyturn, async () => {
        const path = `/v1/organizations/${own.org}`
        for (const [method, to, body] of [
          ['PATCH', path, { api_access: false }],
          ['PATCH', path, { policy: { max_active_keys: 1 } }],
          ['PATCH', path, { name: 'Mine now' }],
          ['POST', `${path}/projects`, { name: 'A second foothold' }],
        ] as const) {
          const answer = await keyturn.request(method, to, { key, body })
          expect(answer).toMatchObject({ status: 403, body: { code: 'whole_organization_required' } })
        }
      })
    })
  })
})

async function readAll(keyturn: Keyturn, list: string, key: string): Promise<Record<string, any>[]> {
  const rows: Record<string, any>[] = []
  for (let cursor = ''; ; ) {
    const separator = list.includes('?') ? '&' : '?'
    const { status, body } = await keyturn.request('GET', `${list}${separator}limit=2${cursor}`, { key })
    expect([list, status]).toEqual([list, 200])
    rows.push(...body.data)
    if (body.next_cursor === null) return rows
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`
  }
}
