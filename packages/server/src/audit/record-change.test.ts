import type { AuditEvent } from '@keyturn/contract'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import { replaceRootKey } from '../people/install.ts'
import { differences } from './record-change.ts'

describe('what differs between two records', () => {
  const field = fc.constantFrom('name', 'owner', 'scopes', 'metadata')
  const record = fc
    .dictionary(field, fc.jsonValue())
    .map((one): Record<string, unknown> => JSON.parse(JSON.stringify(one)))

  it('is nothing between a record and itself, however its fields are ordered', () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(differences(one, structuredClone(one))).toBeNull()
        expect(differences(one, Object.fromEntries(Object.entries(one).reverse()))).toBeNull()
      }),
    )
    expect(differences({ metadata: { a: 1, b: { c: 2, d: 3 } } }, { metadata: { b: { d: 3, c: 2 }, a: 1 } })).toBeNull()
    expect(differences({ scopes: ['a', 'b'] }, { scopes: ['b', 'a'] })).not.toBeNull()
  })

  it('is exactly the fields that differ, as they were and as they are', () => {
    fc.assert(
      fc.property(record, record, (before, after) => {
        const found = differences(before, after)
        for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
          const isSame = canonical(before[name]) === canonical(after[name])
          expect(name in (found?.after ?? {}), name).toBe(!isSame)
          if (!isSame) {
            expect(found?.before[name]).toEqual(before[name] ?? null)
            expect(found?.after[name]).toEqual(after[name] ?? null)
          }
        }
      }),
    )
  })
})

/** The same text for the same JSON, whatever the order of its names. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join()}}`
}

describe.each(engines)('a change and its audit event, on $name', (engine) => {
  let keyturn: Keyturn
  let ids: { org: string; project: string; key: string; disabled: string; toDelete: string }

  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const org = (await keyturn.createOrganization()).id
    const project = (await keyturn.createProject(org)).id
    const [key, disabled, toDelete] = [
      (await keyturn.createKey(project)).key.id,
      (await keyturn.createKey(project)).key.id,
      (await keyturn.createKey(project)).key.id,
    ]
    await keyturn.request('POST', `/v1/keys/${disabled}/disable`)
    ids = { org, project, key, disabled, toDelete }
  })
  afterAll(() => keyturn.stop())

  const run = (text: string) => sql.raw(text).execute(keyturn.database.reader)

  /** Everything but time and place of use, as text: what must not differ where nothing has changed. */
  async function everything(): Promise<string> {
    const tables = ['organizations', 'projects', 'keys', 'secrets', 'audit_events', 'audit_heads', 'audit_signatures']
    const more = ['change_feed', 'change_feed_head', 'outbox', 'idempotent_answers', 'installation', 'key_activity']
    const parts: string[] = []
    for (const table of [...tables, ...more]) {
      const { rows } = await sql<{
        row: string
      }>`select t::text as row from ${sql.table(table)} as t order by 1`.execute(keyturn.database.reader)
      parts.push(table, ...rows.map(({ row }) => row))
    }
    return parts.join('\n')
  }
  const count = async (table: string) =>
    (await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(keyturn.database.reader))
      .rows[0]?.count ?? 0
  async function newest(chain: string): Promise<AuditEvent[]> {
    const path = chain === 'installation' ? '/v1/audit-events' : `/v1/organizations/${chain}/audit-events`
    return (await keyturn.request<{ data: AuditEvent[] }>('GET', `${path}?limit=10`)).body.data
  }

  type Send = () => Promise<{ status: number; body?: { code?: string } }>
  /** Every changing call there is, in an order in which each can be made; and the events it leaves, the last one first. */
  const changes: [string, () => Send, string[]][] = [
    [
      'creating an organization',
      () => () => keyturn.request('POST', '/v1/organizations', { body: { name: `New ${performance.now()}` } }),
      ['organization.created'],
    ],
    [
      'creating a project',
      () => () =>
        keyturn.request('POST', `/v1/organizations/${ids.org}/projects`, { body: { name: `P ${performance.now()}` } }),
      ['key.created', 'project.created'],
    ],
    [
      'creating a key',
      () => () => keyturn.request('POST', `/v1/projects/${ids.project}/keys`, { body: { name: 'Zapier' } }),
      ['key.created'],
    ],
    [
      'creating a management key',
      () => () =>
        keyturn.request('POST', `/v1/organizations/${ids.org}/management-keys`, {
          body: { name: 'Terraform', scopes: ['keys:read'] },
        }),
      ['key.created'],
    ],
    [
      'renaming an organization',
      () => () => keyturn.request('PATCH', `/v1/organizations/${ids.org}`, { body: { name: 'Renamed' } }),
      ['organization.updated'],
    ],
    [
      'switching off an organization',
      () => () => keyturn.request('PATCH', `/v1/organizations/${ids.org}`, { body: { api_access: false } }),
      ['organization.api_access_disabled'],
    ],
    [
      'switching on an organization',
      () => () => keyturn.request('PATCH', `/v1/organizations/${ids.org}`, { body: { api_access: true } }),
      ['organization.api_access_enabled'],
    ],
    [
      'an organization’s policy',
      () => () =>
        keyturn.request('PATCH', `/v1/organizations/${ids.org}`, { body: { policy: { max_active_keys: 40 } } }),
      ['organization.policy_changed'],
    ],
    [
      'renaming a project',
      () => () => keyturn.request('PATCH', `/v1/projects/${ids.project}`, { body: { name: 'Renamed' } }),
      ['project.updated'],
    ],
    [
      'switching off a project',
      () => () => keyturn.request('PATCH', `/v1/projects/${ids.project}`, { body: { api_access: false } }),
      ['project.api_access_disabled'],
    ],
    [
      'switching on a project',
      () => () => keyturn.request('PATCH', `/v1/projects/${ids.project}`, { body: { api_access: true } }),
      ['project.api_access_enabled'],
    ],
    [
      'a project’s policy',
      () => () =>
        keyturn.request('PATCH', `/v1/projects/${ids.project}`, { body: { policy: { max_active_keys: 30 } } }),
      ['project.policy_changed'],
    ],
    [
      'three sides of a project at once',
      () => () =>
        keyturn.request('PATCH', `/v1/projects/${ids.project}`, {
          body: { name: 'All', api_access: false, policy: { max_active_keys: 20 } },
        }),
      ['project.policy_changed', 'project.api_access_disabled', 'project.updated'],
    ],
    [
      'editing a key',
      () => () =>
        keyturn.request('PATCH', `/v1/keys/${ids.key}`, {
          body: { owner: 'anna@example.com', metadata: { b: 1, aa: 2 } },
        }),
      ['key.updated'],
    ],
    [
      'extending a key',
      () => () => keyturn.request('POST', `/v1/keys/${ids.key}/extend`, { body: { expires_in: 500 * 86_400 } }),
      ['key.extended'],
    ],
    ['disabling a key', () => () => keyturn.request('POST', `/v1/keys/${ids.key}/disable`), ['key.disabled']],
    ['enabling a key', () => () => keyturn.request('POST', `/v1/keys/${ids.disabled}/enable`), ['key.enabled']],
    [
      'revoking a key',
      () => () => keyturn.request('POST', `/v1/keys/${ids.key}/revoke`, { body: { reason: 'leaked' } }),
      ['key.revoked'],
    ],
    [
      'deleting a key',
      () => () => keyturn.request('DELETE', `/v1/keys/${ids.toDelete}?confirm=DELETE`),
      ['key.deleted'],
    ],
    [
      'replacing the root key',
      () => async () => {
        const value = new SecretValue(keyturn.rootKey)
        return replaceRootKey(keyturn.ground, { set: null, make: () => ({ value, keep: () => {} }) }).then(
          () => ({ status: 200 }),
          () => ({ status: 500 }),
        )
      },
      ['root_key.replaced'],
    ],
  ]

  /** What is written with a change; each of them is made to fail once. */
  const written = ['insert on outbox', 'insert on audit_events', 'update on audit_heads', 'insert on change_feed']
  const leavesVerdicts = /creating an organization|renaming|policy/
  const sabotage = (what: string) => run(`create trigger sabotage before ${what} for each row execute function fail()`)
  const repair = (what: string) => run(`drop trigger if exists sabotage ${what.replace(/^\w+ /, '')}`)

  beforeAll(() =>
    run(`create function fail() returns trigger language plpgsql as 'begin raise exception ''no room''; end'`),
  )
  afterEach(async () => {
    for (const what of written) await repair(what)
  })

  it.each(changes)('%s happens with its event, or not at all', async (name, make, actions) => {
    const send = make()
    const alters = !leavesVerdicts.test(name) || name.startsWith('three')
    for (const what of alters ? written : written.slice(0, -1)) {
      const before = await everything()
      await sabotage(what)
      expect((await send()).status, what).toBe(500)
      await repair(what)
      expect(await everything(), what).toBe(before)
    }

    const [events, fed] = [await count('audit_events'), await count('change_feed')]
    expect((await send()).status).toBeLessThan(300)
    expect((await count('audit_events')) - events).toBe(actions.length)
    expect((await count('change_feed')) - fed).toBe(alters ? 1 : 0)
    expect(await count('outbox')).toBe(0)
    const { rows } = await sql<{ action: string }>`select action from audit_events order by at desc, sequence desc
      limit ${actions.length}`.execute(keyturn.database.reader)
    expect(rows.map(({ action }) => action)).toEqual(actions)
  })

  it('that changes nothing leaves none', async () => {
    const { key } = await keyturn.createKey('default', { metadata: { b: 1, aa: 2 }, allowed_ips: ['203.0.113.7/24'] })
    const before = await everything()
    const nothing: [string, string, object][] = [
      ['PATCH', `/v1/keys/${key.id}`, { name: key.name }],
      ['PATCH', `/v1/keys/${key.id}`, { metadata: { aa: 2, b: 1 } }],
      ['PATCH', `/v1/keys/${key.id}`, { allowed_ips: ['203.0.113.99/24'] }],
      ['PATCH', `/v1/keys/${key.id}`, {}],
      ['POST', `/v1/keys/${key.id}/enable`, {}],
      ['POST', `/v1/keys/${key.id}/extend`, { expires_at: key.expires_at }],
      ['PATCH', '/v1/projects/default', { api_access: true, policy: {} }],
      ['PATCH', '/v1/organizations/default', { name: 'Default', api_access: true, policy: {} }],
    ]
    for (const [method, path, body] of nothing) {
      expect((await keyturn.request(method, path, { body })).status, path).toBe(200)
      expect(await everything(), `${method} ${path} ${JSON.stringify(body)}`).toBe(before)
    }
  })

  it('that is refused leaves neither', async () => {
    const { body: list } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
    const { key } = await keyturn.createKey('default')
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    const before = await everything()
    const refused: [string, string, object][] = [
      ['POST', `/v1/keys/${list.data[0].id}/revoke`, {}],
      ['DELETE', `/v1/keys/${list.data[0].id}`, { confirm: 'DELETE' }],
      ['POST', `/v1/keys/${key.id}/disable`, {}],
      ['PATCH', `/v1/keys/${key.id}`, { name: 'Another' }],
      ['DELETE', `/v1/keys/${key.id}`, { confirm: 'delete' }],
      ['POST', '/v1/organizations', { name: 'Twice', slug: 'default' }],
      ['POST', '/v1/projects/default/keys', { name: 'Past', expires_at: '2020-01-01T00:00:00Z' }],
      ['POST', '/v1/keys/key_unknown/revoke', {}],
      ['PATCH', '/v1/projects/default', { policy: { max_active_keys: 1000 } }],
    ]
    for (const [method, path, body] of refused) {
      expect((await keyturn.request(method, path, { body })).status, path).toBeGreaterThanOrEqual(400)
      expect(await everything(), path).toBe(before)
    }
  })

  it('says who did it, from where, to what, in which request, and what was different before', async () => {
    const { key: manager, secret } = await keyturn.createManagementKey('default', {
      name: 'Terraform',
      scopes: ['keys:write'],
    })
    const { key } = await keyturn.createKey('default', { name: 'Zapier', owner: 'anna@example.com' })
    const sent = { body: { name: 'Zapier, production' }, key: secret.value, headers: { 'x-request-id': 'trace-1' } }
    expect((await keyturn.request('PATCH', `/v1/keys/${key.id}`, sent)).status).toBe(200)
    const [event] = await newest('default')
    expect(event).toMatchObject({
      action: 'key.updated',
      actor: { type: 'management_key', id: manager.id, name: 'Terraform' },
      organization_id: key.organization_id,
      project_id: key.project_id,
      target: { type: 'key', id: key.id, name: 'Zapier, production' },
      before: { name: 'Zapier' },
      after: { name: 'Zapier, production' },
      address: '127.0.0.1',
      request_id: 'trace-1',
    })
    expect(event?.before).toEqual({ name: 'Zapier' })
  })

  it('of the installation stands in a chain of its own', async () => {
    const events = (await newest('installation')).map((event) => event.action)
    expect(events.slice(-2)).toEqual(['root_key.created', 'installation.created'])
    expect((await keyturn.request('GET', '/v1/audit-events/verification')).body).toMatchObject({ intact: true })
  })
})
