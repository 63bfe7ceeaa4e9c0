import { readdir } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { auditActions, type Key } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { followEvents } from '../../src/audit/follow-events.ts'
import { exportOrganization } from '../../src/transfer/export-organization.ts'
import { expectTold } from '../support/audit-replay.ts'
import { engines } from '../support/engines.ts'
import { readLines, sealed, smallExport, withEnd } from '../support/exports.ts'
import { type Keyturn, openKeyturn, type RequestOptions } from '../support/keyturn.ts'
import { addMember } from '../support/people.ts'
import { prepareKey } from '../support/rotation.ts'
import { expectNothingChanged } from '../support/samples.ts'

const everyStatus = 'status=active,disabled,expired,revoked&limit=200'
const jsonLines = { 'content-type': 'application/jsonl' }
// Far more than any transaction of background work lasts on a busy machine.
const waitForOthers = { timeout: 20_000, interval: 50 }
let newOrganizations = 0
const newId = () => `org_01kzz${String(++newOrganizations).padStart(21, '0')}`

describe.each(engines)('an organization that moves from one Keyturn to another, on $name', (engine) => {
  let here: Keyturn
  let there: Keyturn
  beforeAll(async () => {
    ;[here, there] = await Promise.all([openKeyturn(engine), openKeyturn(engine)])
  })
  afterAll(async () => {
    await here.stop()
    await there.stop()
  })

  const must = async (keyturn: Keyturn, method: string, path: string, body?: object) => {
    const answer = await keyturn.request(method, path, body && { body })
    if (answer.status >= 300) throw new Error(`${method} ${path} gave ${answer.status}: ${answer.text}`)
    return answer.body
  }
  const exportOf = async (keyturn: Keyturn, org: string) => {
    const answer = await keyturn.request('GET', `/v1/organizations/${org}/export`)
    expect(answer.status, answer.text.slice(0, 500)).toBe(200)
    return answer.text
  }
  const send = (org: string, raw: string, options: RequestOptions = {}) =>
    there.request('POST', `/v1/organizations/${org}/import.jsonl`, {
      raw,
      ...options,
      headers: { ...jsonLines, ...options.headers },
    })
  const refused = async (org: string, raw: string) => {
    const answer = await send(org, raw)
    expect(answer, answer.text).toMatchObject({ status: 422, body: { code: 'import_refused' } })
    return answer.body.rows[0] as { line: number; field: string | null; detail: string }
  }
  const verification = (keyturn: Keyturn, org: string) =>
    must(keyturn, 'GET', `/v1/organizations/${org}/audit-events/verification`)
  const organizationsThere = async () => (await must(there, 'GET', '/v1/organizations?limit=200')).data.length as number

  describe('with keys in every state', () => {
    let org: string
    let file: string
    let imported: { status: number; body: any }
    /** Values, live and ended. */
    const values: string[] = []
    let deleted: string
    /** What must be in no export. */
    const secrets: string[] = []

    beforeAll(async () => {
      const made = await here.createOrganization({ external_id: 'acme-1', notification_email: 'keys@acme.example' })
      org = made.id
      const policy = { max_active_keys: 200, allow_never_expires: true, rotate_every: 86_400 * 90 }
      await must(here, 'PATCH', `/v1/organizations/${org}`, { policy, time_zone: 'Europe/Berlin' })
      const project = await here.createProject(org, { external_id: 'shop' })
      const off = await here.createProject(org)
      await must(here, 'POST', `/v1/projects/${project.id}/renewals`, { reason: 'a laptop was stolen' })
      const rich = {
        purpose: 'Ürder Ωx "quoted"\nand a second line',
        owner: 'ada@example.com',
        contact: 'team@example.com',
        scopes: ['orders:read'],
        rate_limit: { windows: [{ limit: 1000, window_seconds: 60 }] },
        quota: { limit: 5000, refill: 'monthly', on_outage: 'refuse' },
        allowed_ips: ['203.0.113.0/24', '2001:db8::1'],
        metadata: { plan: 'pro', nested: { b: [1, 2.5, null], a: '\\u0000 as text' } },
      }
      const prepared: Record<string, Key> = {}
      for (const situation of ['Z', 'A', 'B', 'C'] as const) {
        const { key, old, newer } = await prepareKey(here, project.id, situation, {
          ...rich,
          name: `Situation ${situation}`,
        })
        prepared[situation] = key
        values.push(old.value, newer.value)
      }
      const act = async (path: string, body: object, fields: object = {}) => {
        const { key, secret } = await here.createKey(project.id, fields)
        values.push(secret.value)
        await must(here, path === '' ? 'DELETE' : 'POST', `/v1/keys/${key.id}${path}`, body)
        return key
      }
      await act('/rotate', { overlap: 3600 }, { kind: 'jwt', name: 'Signed' })
      await act('/disable', {})
      await act('/revoke', { reason: 'posted in public' })
      await act('', { confirm: 'DELETE' })
      deleted = values.at(-1) ?? ''
      await act('/review', {})
      await act('/claim-links', { expires_in: 3600 })
      await act('/rotate', { overlap: 0 }, { kind: 'publishable', never_expires: true })
      const publishable = await here.createKey(project.id, { kind: 'publishable' })
      const dark = await here.createKey(off.id)
      values.push(publishable.secret.value, dark.secret.value)
      await must(here, 'PATCH', `/v1/projects/${off.id}`, { api_access: false })
      const legacy = (await must(here, 'GET', `/v1/projects/${project.id}/keys`)).data.find((key: Key) => key.legacy)
      await must(here, 'POST', `/v1/keys/${legacy.id}/rotate`, { overlap: 3600 })
      const foreign = `acme_${org}_foreign`
      await must(here, 'POST', `/v1/organizations/${org}/import`, {
        project: project.id,
        keys: [{ value: foreign, name: 'From elsewhere' }],
      })
      values.push(foreign)
      const management = await here.createManagementKey(org, {
        scopes: ['keys:read', 'verify'],
        projects: [project.id],
      })
      secrets.push(management.secret.value, here.rootKey)

      const of = `/v1/organizations/${org}`
      const credential = {
        name: 'Stripe',
        expires_at: '2029-01-01T00:00:00Z',
        owner: 'ada@example.com',
        project: project.id,
      }
      const tracked = await must(here, 'POST', `${of}/tracked-credentials`, {
        ...credential,
        fingerprint: 'ab'.repeat(32),
      })
      await must(here, 'POST', `${of}/tracked-credentials/${tracked.id}/renew`, { expires_at: '2031-01-01T00:00:00Z' })
      const gone = await must(here, 'POST', `${of}/tracked-credentials`, { ...credential, project: undefined })
      await must(here, 'DELETE', `${of}/tracked-credentials/${gone.id}`)
      const webhook = { kind: 'webhook', url: 'https://hooks.invalid/keyturn', events: ['key.revoked'] }
      secrets.push((await must(here, 'POST', `${of}/channels`, webhook)).signing_secret)
      await must(here, 'POST', `${of}/channels`, { kind: 'email', address: 'team@example.com' })
      secrets.push((await must(here, 'POST', `${of}/feed-tokens`, { name: 'Calendar' })).url.split('token=')[1])
      secrets.push((await must(here, 'POST', `${of}/invitations`, { email: 'new@example.com', role: 'member' })).url)
      await addMember(here, org, `owner-${org}@example.com`, 'owner')
      const { reader } = here.database
      await reader
        .updateTable('key_activity')
        .set({ last_used_at: sql`'2026-02-03T04:05:06.789Z'` })
        .where('key_id', '=', prepared['A']?.id ?? '')
        .execute()
      await sql`update secret_activity set last_used_at = '2026-02-03T04:05:06.789Z', last_address = '203.0.113.7'
        where secret_id = ${prepared['A']?.secrets[0]?.id}`.execute(reader)

      there.clock.advance(2000)
      for (const value of values) expect((await there.verify(value)).code).toBe('NOT_FOUND')
      file = await exportOf(here, org)
      imported = await send(org, file)
    })

    it('is made there as a whole, and says what it came to', async () => {
      const types = readLines(file).map(({ type }) => type)
      const count = (type: string) => types.filter((one) => one === type).length
      expect(imported, JSON.stringify(imported.body)).toMatchObject({
        status: 201,
        body: {
          organization: { id: org, external_id: 'acme-1', time_zone: 'Europe/Berlin' },
          projects: 2,
          keys: count('key'),
          tracked_credentials: 2,
          channels: 2,
          audit_events: count('audit_event'),
          members: [{ email: `owner-${org}@example.com`, role: 'owner', projects: [] }],
        },
      })
    })

    it('answers every list there as here', async () => {
      const of = `/v1/organizations/${org}`
      const projects = (await must(here, 'GET', `${of}/projects`)).data as { id: string }[]
      const keys = (await must(here, 'GET', `${of}/keys?${everyStatus}`)).data as Key[]
      expect(keys.length).toBeGreaterThan(12)
      const paths = [
        of,
        `${of}/projects`,
        ...projects.map(({ id }) => `/v1/projects/${id}`),
        ...['next_expiry_at', 'created_at', 'last_used_at', 'name'].map(
          (sort) => `${of}/keys?${everyStatus}&sort=${sort}`,
        ),
        `${of}/keys?q=situation`,
        `${of}/keys?q=ada@example.com`,
        ...keys.flatMap(({ id }) => [`/v1/keys/${id}`, `/v1/keys/${id}/rotation`]),
        `${of}/management-keys?${everyStatus}`,
        `${of}/expirations?from=2026-01-01T00:00:00Z&to=2035-01-01T00:00:00Z&limit=200`,
        `${of}/expirations/forecast`,
        `${of}/tracked-credentials`,
      ]
      // In a window of time, seconds that pass between two questions show.
      const comparable = (body: unknown) =>
        JSON.stringify(body, (name, value) => (['as_of', 'from', 'to'].includes(name) ? undefined : value), 1)
      for (const path of paths) {
        const answers = await Promise.all([here, there].map((keyturn) => must(keyturn, 'GET', path)))
        expect(comparable(answers[1]), path).toEqual(comparable(answers[0]))
      }
      const channels = (await must(there, 'GET', `${of}/channels`)).data
      expect(channels).toMatchObject([
        { kind: 'email', enabled: false },
        { kind: 'webhook', enabled: false, events: ['key.revoked'] },
      ])
      const rotated = await must(there, 'POST', `/v1/channels/${channels[1].id}/rotate-secret`, {})
      expect(rotated.signing_secret).toMatch(/^whsec_/)
    })

    it('gives every value the verdict that it had, with its hint, and no deleted one comes back', async () => {
      const codes = new Set<string>()
      // A window begins with the first call, which each of them had at another moment.
      const withoutWindows = (verdict: object) =>
        JSON.parse(JSON.stringify(verdict, (name, value) => (name === 'resets_at' ? undefined : value)))
      for (const value of values) {
        for (const demand of [
          { kinds: ['secret', 'publishable'], scopes: ['orders:read'], ip: '203.0.113.9' },
          { ip: '198.51.100.1' },
        ]) {
          const [one, two] = await Promise.all([here.verify(value, demand), there.verify(value, demand)])
          expect(withoutWindows(two)).toEqual(withoutWindows(one))
          codes.add(one.code)
        }
      }
      for (const code of ['VALID', 'DISABLED', 'REVOKED', 'ROTATED', 'EXPIRED', 'API_ACCESS_DISABLED', 'NOT_FOUND'])
        expect(codes).toContain(code)
      const again = { keys: [{ value: deleted, name: 'Deleted elsewhere' }], project: 'default' }
      const answer = await there.request('POST', '/v1/organizations/default/import', { body: again })
      expect(answer).toMatchObject({ status: 422, body: { code: 'import_refused' } })
    })

    it('has its trail there, unbroken and with the import as its next event, and nobody is told of what is in it', async () => {
      const before = readLines(file).filter(({ type }) => type === 'audit_event')
      expect(await verification(there, org)).toMatchObject({ intact: true, fault: null })
      const { data } = await must(
        there,
        'GET',
        `/v1/organizations/${org}/audit-events?limit=200&action=organization.imported`,
      )
      expect(data).toMatchObject([{ sequence: before.length + 1, after: { keys: imported.body.keys } }])
      await there.createKey((await must(there, 'GET', `/v1/organizations/${org}/projects`)).data[0].id)
      expect(await verification(there, org)).toMatchObject({ intact: true })
      const told: number[] = []
      await followEvents(there.ground, 'test', auditActions, async (_, id, events) => {
        if (id === org) told.push(...events.map(({ sequence }) => sequence))
      })
      expect(Math.min(...told)).toBe(before.length + 1)
    })

    it('can be exported from there again: the same lines, but for its members and what happened since', async () => {
      const again = readLines(await exportOf(there, org))
      const linesOf = (lines: typeof again, ...types: string[]) => lines.filter(({ type }) => types.includes(type))
      const known = new Set(linesOf(again, 'key').map(({ id }) => id))
      const unchanged = readLines(file)
      expect(linesOf(again, 'organization', 'project', 'tracked_credential', 'channel')).toEqual(
        linesOf(unchanged, 'organization', 'project', 'tracked_credential', 'channel'),
      )
      const keys = linesOf(unchanged, 'key')
      const isOld = ({ id }: { [name: string]: any }) => keys.some((key) => key['id'] === id)
      // Asking about a key is a use of it, which is noted in its own time.
      const withoutUse = (lines: typeof again) =>
        JSON.stringify(
          lines,
          (name, value) => (/^last_(used|refused|address|user)|^addresses$/.test(name) ? undefined : value),
          1,
        )
      expect(withoutUse(linesOf(again, 'key').filter(isOld))).toEqual(withoutUse(keys))
      expect(known.size).toBe(keys.length + 1)
      const events = linesOf(unchanged, 'audit_event')
      expect(linesOf(again, 'audit_event').slice(0, events.length)).toEqual(events)
      expect(linesOf(again, 'member')).toEqual([])
    })

    it('has no secret in its export, and no token', () => {
      const publishable = readLines(file).flatMap(({ type, secrets: all, kind }) =>
        type === 'key' && kind === 'publishable' ? all.map((secret: { value: string }) => secret.value) : [],
      )
      expect(publishable.every((value) => value.startsWith('kt_pub_'))).toBe(true)
      for (const value of [...values, ...secrets]) {
        expect(value.length).toBeGreaterThan(8)
        if (!publishable.includes(value)) expect(file.includes(value)).toBe(false)
      }
      expect(file).not.toMatch(/whsec_|password|token_digest/)
    })

    it('has signed keys that are looked up, rotated and revoked there like any other', async () => {
      const { data } = await must(there, 'GET', `/v1/organizations/${org}/keys?kind=jwt`)
      const [key] = data as Key[]
      const { secret } = await must(there, 'POST', `/v1/keys/${key?.id}/rotate`, { overlap: 3600, force: true })
      expect((await there.verify(secret.value)).code).toBe('VALID')
      await must(there, 'POST', `/v1/keys/${key?.id}/revoke`, {})
      expect((await there.verify(secret.value)).code).toBe('REVOKED')
    })

    it('is refused a second time, under whatever slug', async () => {
      await expectNothingChanged(there, async () => {
        for (const name of [org, 'another-slug'])
          expect(await send(name, file)).toMatchObject({ status: 409, body: { code: 'organization_exists' } })
      })
    })
  })

  it('that something stands in the way of is refused, with the line where there is one, and nothing has changed', async () => {
    const [id, second] = [newId(), newId()]
    expect((await send(id, smallExport(id))).status).toBe(201)
    const lines = readLines(smallExport(second))
    const changed = (place: number, change: object) =>
      sealed(lines.map((line, index) => (index === place ? { ...line, ...change } : line)))
    await must(there, 'POST', '/v1/organizations', { name: 'Taken', external_id: 'taken-1' })
    const project = await here.createProject('default')
    const { key } = await here.createKey(project.id)
    const keyLine = readLines(await exportOf(here, 'default')).find((line) => line['id'] === key.id)
    const { secret } = await there.createKey('default')
    const digest = (
      await sql<{
        digest: string
      }>`select encode(digest, 'hex') as digest from secrets where id = ${secret.id}`.execute(there.database.reader)
    ).rows[0]?.digest
    const withKey = (change: object) =>
      sealed([
        ...lines.slice(0, 3),
        { ...keyLine, type: 'key', project_id: lines[2]?.['id'], ...change },
        ...lines.slice(3),
      ])
    const before = await organizationsThere()
    await expectNothingChanged(there, async () => {
      expect(await send('default', changed(0, {}))).toMatchObject({ status: 409, body: { code: 'slug_taken' } })
      expect(await send(second, changed(1, { external_id: 'taken-1' }))).toMatchObject({
        status: 409,
        body: { code: 'external_id_taken' },
      })
      expect(await send(id, changed(0, {}))).toMatchObject({ status: 404, body: { code: 'organization_not_found' } })
      expect(await send('Not_a_slug', changed(0, {}))).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
      expect(await refused(second, withKey({ secrets: [{ ...keyLine?.['secrets'][0], digest }] }))).toMatchObject({
        line: 4,
      })
      expect(await refused(second, changed(2, { id: `prj_${id.slice(4)}` }))).toMatchObject({ line: 3 })
      const text = withEnd(lines)
      expect(await refused(second, text.slice(0, -1))).toMatchObject({
        line: 5,
        detail: expect.stringContaining('cut off'),
      })
      expect(await refused(second, text.replace('From elsewhere', 'From elsewherf'))).toMatchObject({
        line: 5,
        field: 'sha256',
      })
      expect(await refused(second, '')).toMatchObject({ line: 1 })
      for (const options of [{ key: null }, { headers: { 'content-type': 'application/json' } }])
        expect([401, 415]).toContain((await send(second, text, options)).status)
    })
    expect(await organizationsThere()).toBe(before)
    expect((await send('under-another-slug', withKey({}))).body.organization).toMatchObject({
      id: second,
      slug: 'under-another-slug',
    })
  })

  it('of which the last row cannot be written is not there at all', async () => {
    const id = newId()
    const { reader } = there.database
    await sql`create function fail() returns trigger language plpgsql as $$ begin raise exception 'it fails'; end $$`.execute(
      reader,
    )
    await sql`create trigger fail before insert on audit_heads for each row when (new.sequence = 1) execute function fail()`.execute(
      reader,
    )
    const before = await organizationsThere()
    await expectNothingChanged(there, async () => {
      expect((await send(id, smallExport(id))).status).toBe(500)
    })
    await sql`drop trigger fail on audit_heads`.execute(reader)
    await sql`drop function fail()`.execute(reader)
    expect(await organizationsThere()).toBe(before)
    expect((await send(id, smallExport(id))).status).toBe(201)
  })

  it('is told 413 before it is read where it is too large, and leaves nothing where its sender goes away', async () => {
    const id = newId()
    const post = (headers: Record<string, string | number>) =>
      httpRequest(`${there.url}/v1/organizations/${id}/import.jsonl`, {
        method: 'POST',
        headers: { authorization: `Bearer ${there.rootKey}`, ...jsonLines, ...headers },
      })
    const status = await new Promise((resolve, reject) => {
      const sending = post({ 'content-length': 5 * 1024 ** 3, expect: '100-continue' })
      sending.on('response', (response) => resolve(response.statusCode)).on('error', reject)
      sending.flushHeaders()
    })
    expect(status).toBe(413)
    const left = post({ 'content-length': 1_000_000 }).on('error', () => {})
    left.write(smallExport(id))
    await vi.waitFor(async () => expect(await readdir(there.dataDir)).toEqual([]))
    left.destroy()
    expect((await send(id, smallExport(id))).status).toBe(201)
    expect(await readdir(there.dataDir)).toEqual([])
  })

  it('is as it was at one moment, though it changes from one page of its export to the next', async () => {
    const made = await here.createOrganization()
    const project = await here.createProject(made.id)
    const of = `/v1/organizations/${made.id}`
    const keys = await Promise.all(Array.from({ length: 12 }, () => here.createKey(project.id)))
    const channel = (await must(here, 'POST', `${of}/channels`, { kind: 'email', address: 'team@example.com' })).channel
    const credential = await must(here, 'POST', `${of}/tracked-credentials`, {
      name: 'Stripe',
      expires_at: '2029-01-01T00:00:00Z',
    })
    const changes = [
      () => must(here, 'POST', `/v1/keys/${keys[0]?.key.id}/revoke`, {}),
      () => must(here, 'POST', `/v1/keys/${keys[1]?.key.id}/rotate`, {}),
      () => here.createKey(project.id),
      () => must(here, 'DELETE', `/v1/channels/${channel.id}`),
      () => must(here, 'PATCH', `${of}/tracked-credentials/${credential.id}`, { name: 'Stripe, renamed' }),
      async () => here.createKey((await here.createProject(made.id)).id),
      () => must(here, 'PATCH', of, { name: 'Renamed' }),
      () => must(here, 'POST', `/v1/keys/${keys[2]?.key.id}/secrets`, {}),
      () => must(here, 'POST', `${of}/channels`, { kind: 'email', address: 'other@example.com' }),
    ]
    const organization = {
      ...made,
      externalId: null,
      notificationEmail: null,
      apiAccess: true,
      policy: {},
      timeZone: 'UTC',
      createdAt: 0,
    }
    let file = ''
    for await (const page of await exportOrganization(here.rootCall, organization, '0.1.0')) {
      file += page
      if (!page.startsWith('{"type":"end"')) for (const change of changes.splice(0, 2)) await change()
    }
    expect(changes).toEqual([])
    const answer = await send(made.id, file)
    expect(answer.status, answer.text).toBe(201)
    expect(answer.body.channels).toBe(1)
    for (const path of [of, `${of}/projects`, `${of}/keys?${everyStatus}`, `${of}/tracked-credentials`]) {
      const answers = await Promise.all([here, there].map((keyturn) => must(keyturn, 'GET', path)))
      expect(answers[1], path).toEqual(answers[0])
    }
    expect(await verification(there, made.id)).toMatchObject({ intact: true })
  })

  it('is what its own trail says, though others write all the time and its reader is slow; and nobody waits for that reader', async () => {
    const { id } = await here.createOrganization()
    await must(here, 'PATCH', `/v1/organizations/${id}`, { policy: { max_active_keys: 10_000 } })
    const project = await here.createProject(id)
    const padding = 'x'.repeat(3900)
    const rows = Array.from({ length: 1200 }, (_, row) => ({
      value: `${id}_${row}`,
      name: `Integration ${row}`,
      metadata: { padding },
    }))
    await must(here, 'POST', `/v1/organizations/${id}/import`, { project: project.id, keys: rows })

    const response = await fetch(`${here.url}/v1/organizations/${id}/export`, {
      headers: { authorization: `Bearer ${here.rootKey}` },
    })
    const reader = response.body?.getReader()
    const parts = [(await reader?.read())?.value ?? new Uint8Array()]
    // More than sockets hold is still to come, and nothing is open for it.
    const written: Key[] = []
    for (let round = 0; round < 6; round++) {
      const { key } = await here.createKey(project.id)
      written.push(key)
      await must(here, 'POST', `/v1/keys/${key.id}/rotate`, { overlap: round * 60 })
      if (round % 2 === 0) await must(here, 'POST', `/v1/keys/${key.id}/revoke`, {})
    }
    if (here.database.capabilities.shared) {
      // Background work's transactions end by themselves; one of the export's would wait for its reader.
      const { rows } = await sql<{ now: string }>`select clock_timestamp()::text as now`.execute(here.database.reader)
      await vi.waitFor(async () => {
        const { rows: open } = await sql`select query from pg_stat_activity
          where datname = current_database() and state like 'idle in transaction%' and xact_start <= ${rows[0]?.now}::timestamptz`.execute(
          here.database.reader,
        )
        expect(open).toEqual([])
      }, waitForOthers)
    }
    let isWriting = true
    const writing = (async () => {
      while (isWriting && written.length < 20) {
        const { key } = await here.createKey(project.id)
        written.push(key)
        await must(here, 'POST', `/v1/keys/${key.id}/rotate`, { overlap: 3600 })
        await must(here, 'POST', `/v1/keys/${key.id}/${written.length % 2 ? 'disable' : 'revoke'}`, {})
      }
    })()
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) parts.push(part.value)
    isWriting = false
    await writing

    const answer = await send(id, Buffer.concat(parts).toString('utf8'))
    expect(answer.status, answer.text.slice(0, 500)).toBe(201)
    expect(await verification(there, id)).toMatchObject({ intact: true })
    let told = 0
    for (const { id: keyId } of written) {
      const key = await there.request('GET', `/v1/keys/${keyId}`)
      // Made after the moment of the export.
      const events = (await must(there, 'GET', `/v1/organizations/${id}/audit-events?key=${keyId}`)).data
      expect(key.status).toBe(events.length > 0 ? 200 : 404)
      if (key.status === 200) await expectTold(there, key.body)
      told += key.status === 200 ? 1 : 0
    }
    expect(told).toBeGreaterThanOrEqual(6)
  })

  it('is for whoever reaches the whole of it', async () => {
    const { id } = await here.createOrganization()
    const project = await here.createProject(id)
    const narrow = await here.createManagementKey(id, {
      scopes: ['management:write', 'keys:read'],
      projects: [project.id],
    })
    const answer = await here.request('GET', `/v1/organizations/${id}/export`, { key: narrow.secret.value })
    expect(answer).toMatchObject({ status: 403, body: { code: 'whole_organization_required' } })
    const wide = await here.createManagementKey(id, { scopes: ['management:write'] })
    const whole = await here.request('GET', `/v1/organizations/${id}/export`, { key: wide.secret.value })
    expect(whole.status).toBe(200)
    expect(whole.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
    const events = (await must(here, 'GET', `/v1/organizations/${id}/audit-events?action=organization.exported`)).data
    expect(events).toMatchObject([{ actor: { type: 'management_key', id: wide.key.id }, target: { id } }])
  })
})
