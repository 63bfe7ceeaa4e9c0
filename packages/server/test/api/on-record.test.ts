import { parse } from 'csv-parse/sync'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { genesisHash, linkOf } from '../../src/audit/chain.ts'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { until } from '../support/nodes.ts'
import { join, type Person } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
const linesOf = ({ text }: Answer) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describe.each(anEngine('PostgreSQL'))('what is on record, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let project: string
  let manager: Person
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    org = (await keyturn.createOrganization()).id
    project = (await keyturn.createProject(org)).id
    manager = await join(keyturn, org, { role: 'manager' })
  })
  afterAll(() => keyturn.stop())

  async function eventsOf(action: string, path = `/v1/organizations/${org}`): Promise<any[]> {
    const { status, body } = await keyturn.request('GET', `${path}/audit-events?limit=200&action=${action}`)
    expect(status).toBe(200)
    return body.data
  }
  const installationEvents = (action: string) => eventsOf(action, '/v1')
  /** What is put on record while the answer is on its way. */
  async function untilOnRecord(find: () => Promise<any[]>): Promise<any[]> {
    let found: any[] = []
    await until(async () => (found = await find()).length > 0)
    return found
  }

  describe('of a refused call', () => {
    it('is who called what, from where, and why not, in the chain of their organization', async () => {
      const { secret, key } = await keyturn.createManagementKey(org, { scopes: ['keys:read'] })
      const refused = { key: secret.value, body: { name: 'Zapier, test' } }
      expect((await keyturn.request('POST', `/v1/projects/${project}/keys`, refused)).status).toBe(403)
      await manager.request('GET', `/v1/organizations/${org}/members`)
      const events = await eventsOf('call.refused')
      expect(events).toMatchObject([
        {
          actor: { type: 'member', id: manager.id },
          target: { type: 'call', name: 'GET /v1/organizations/:org/members' },
          after: { code: 'role_required', route: 'GET /v1/organizations/:org/members' },
          address: '127.0.0.1',
        },
        {
          actor: { type: 'management_key', id: key.id },
          after: { code: 'insufficient_scope', route: 'POST /v1/projects/:project/keys' },
          request_id: expect.stringMatching(/^req_/),
        },
      ])
    })

    it('is one for each caller, code and minute, however many there are at once', async () => {
      const { secret, key } = await keyturn.createManagementKey(org, { scopes: ['verify'] })
      const minute = 60_000
      const now = await keyturn.ground.now(keyturn.ground.reader)
      keyturn.clock.advance(minute - (now % minute))
      const read = () => keyturn.request('GET', `/v1/projects/${project}`, { key: secret.value })
      for (const { status } of await Promise.all(Array.from({ length: 30 }, read))) expect(status).toBe(403)
      const own = async () => (await eventsOf('call.refused')).filter(({ actor }) => actor.id === key.id)
      expect(await untilOnRecord(own)).toHaveLength(1)
      keyturn.clock.advance(minute)
      // Until a look has told this node the time.
      await until(async () => (await read()).status === 403 && (await own()).length > 1)
      expect(await own()).toHaveLength(2)
    })

    it.each([
      [
        'of the API',
        () => keyturn.request('GET', '/v1/organizations', { key: 'nobody-has-this-value-0000' }),
        'GET /v1/organizations',
      ],
      [
        'for a verdict',
        () => keyturn.request('POST', '/v1/verify', { key: 'nobody-has-this-value-1111', body: { key: 'x' } }),
        'POST /v1/verify',
      ],
      [
        'of a proxy',
        () =>
          keyturn.request('GET', '/v1/authorize', {
            key: null,
            headers: { 'x-keyturn-management-key': 'nobody-has-this-value-2222' },
          }),
        'ANY /v1/authorize',
      ],
      [
        'for an introspection',
        () =>
          keyturn.request('POST', '/oauth/introspect', {
            key: 'nobody-has-this-value-3333',
            raw: 'token=x',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
          }),
        'POST /oauth/introspect',
      ],
    ])('%s with a value that nobody has is one by somebody unknown, without the value', async (_, call, route) => {
      // Callers whom nobody knows are one caller: each gets a minute of its own.
      keyturn.clock.advance(60_000)
      const own = async () => (await installationEvents('call.refused')).filter(({ after }) => after.route === route)
      await until(async () => (await call()).status >= 400 && (await own()).length > 0)
      const events = await own()
      expect(events[0]).toMatchObject({ actor: { type: 'unknown', id: null }, after: { code: 'invalid_token' } })
      expect(JSON.stringify(events)).not.toContain('nobody-has-this-value')
    })
  })

  it('of a value that a person was shown is who, which secret and when; never the value', async () => {
    const { body: made } = await manager.request('POST', `/v1/projects/${project}/keys`, {
      body: { name: 'Slack, test' },
    })
    const { body: rotated } = await manager.request('POST', `/v1/keys/${made.key.id}/rotate`, { body: {} })
    const own = (await eventsOf('secret.shown')).filter(({ target }) => target.id === made.key.id)
    expect(own).toMatchObject(
      [rotated, made].map(({ secret }) => ({
        actor: { type: 'member', id: manager.id },
        after: { secret: secret.id, hint: secret.hint },
      })),
    )
    const { text } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events.jsonl`)
    for (const { secret } of [made, rotated]) expect(text).not.toContain(secret.value.slice(8, 40))
  })

  it('of an export of keys is who took which list away', async () => {
    await manager.request('GET', `/v1/projects/${project}/keys.csv?status=active&owner=ada@example.com`)
    expect(await eventsOf('keys.exported')).toMatchObject([
      {
        actor: { id: manager.id },
        project_id: project,
        after: { format: 'csv', filter: { owner: 'ada@example.com' } },
      },
    ])
  })

  describe('exported', () => {
    const path = () => `/v1/organizations/${org}/audit-events`

    it('as JSON Lines is all that a list shows, oldest first, and proves its own chain', async () => {
      const answer = await keyturn.request('GET', `${path()}.jsonl`)
      expect(answer.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
      expect(answer.headers.get('content-disposition')).toBe('attachment; filename="audit-events.jsonl"')
      const events = linesOf(answer)
      const { body } = await keyturn.request('GET', `${path()}?limit=200`)
      // Newest first, and there the export is on record itself.
      const [own, ...before] = body.data
      expect(own).toMatchObject({ action: 'audit.exported', after: { format: 'jsonl', through: before[0].sequence } })
      expect(events.map(({ text: _, ...event }) => event)).toEqual(before.toReversed())
      let previous = hex(genesisHash)
      for (const { sequence, text, hash } of events) {
        previous = hex(linkOf(Buffer.from(previous, 'hex'), sequence, text))
        expect(hash).toBe(previous)
      }
    })

    it('as CSV is the same, and no cell of it is run by a spreadsheet', async () => {
      const name = '=HYPERLINK("https://example.com","click")'
      await keyturn.createKey(project, { name, purpose: '+1\n=2' })
      const answer = await keyturn.request('GET', `${path()}.csv?action=key.created`)
      expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
      const rows: Record<string, string>[] = parse(answer.text, { columns: true })
      const events = (await eventsOf('key.created')).toReversed()
      expect(rows.map(({ sequence, hash }) => [Number(sequence), hash])).toEqual(
        events.map(({ sequence, hash }) => [sequence, hash]),
      )
      expect(rows.at(-1)).toMatchObject({ target_name: `'${name}`, actor_type: 'root_key', project_id: project })
      expect(JSON.parse(rows.at(-1)?.['after'] ?? '')).toEqual(events.at(-1).after)
      for (const row of rows) for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r]/)
    })

    it.each(['csv', 'jsonl'])('as %s is refused as a problem, and not as half a file', async (format) => {
      const wrong = await keyturn.request('GET', `${path()}.${format}?since=yesterday`)
      expect(faultOf(wrong, { status: 400, code: 'invalid_request', path: 'since' })).toBeNull()
      const member = await join(keyturn, org, { role: 'member' })
      expect(
        faultOf(await member.request('GET', `${path()}.${format}`), { status: 403, code: 'role_required' }),
      ).toBeNull()
      const { secret } = await keyturn.createManagementKey(org, { scopes: ['keys:read'] })
      const refused = await keyturn.request('GET', `${path()}.${format}`, { key: secret.value })
      expect(faultOf(refused, { status: 403, code: 'insufficient_scope' })).toBeNull()
    })

    it('is read as it is sent: what has not been fetched yet is in no memory', async () => {
      const { id } = await keyturn.createOrganization()
      const many = 30_000
      const body = `{"at":"2026-01-01T00:00:00.000Z","action":"key.updated","actor":{"type":"root_key","id":null,"name":"Root key"},
        "organization_id":"${id}","project_id":null,"target":{"type":"key","id":"key_1","name":"${'x'.repeat(1000)}"},
        "before":null,"after":null,"address":null,"request_id":null}`
      const run = (statement: ReturnType<typeof sql>) => statement.execute(keyturn.database.reader)
      await run(sql`insert into audit_events (chain, sequence, hash, body)
        select ${id}, n, '\\x00', ${body} from generate_series(1001, ${1000 + many}::int) as n`)
      const url = `${keyturn.url}/v1/organizations/${id}/audit-events.jsonl`
      const response = await fetch(url, { headers: { authorization: `Bearer ${keyturn.rootKey}` } })
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      let lines = 0
      const read = async () => {
        const piece = await reader?.read()
        lines += piece?.value?.split('\n').length ?? 0
        return piece?.done !== true
      }
      expect([response.status, await read()]).toEqual([200, true])
      // What is held back by the sockets is a few hundred kilobytes of thirty megabytes.
      await run(sql`delete from audit_events where chain = ${id} and sequence > ${1000 + many / 2}`)
      while (await read());
      expect(lines).toBeGreaterThan(many / 4)
      expect(lines).toBeLessThan((many * 3) / 4)
    })
  })
})
