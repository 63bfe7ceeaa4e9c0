import { createHash, randomBytes } from 'node:crypto'
import { mostImported } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn, type RequestOptions } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const foreign = (prefix = 'acme') => `${prefix}_${randomBytes(18).toString('hex')}`
const sha256 = (value: string) => createHash('sha256').update(value).digest()

describe.each(engines)('importing keys that another system issued, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const send = (keys: readonly object[], fields: object = {}, options: RequestOptions = {}, org = 'default') =>
    keyturn.request('POST', `/v1/organizations/${org}/import`, {
      body: { project: 'default', ...fields, keys },
      ...options,
    })
  const sendCsv = (csv: string, query = '?project=default') =>
    keyturn.request('POST', `/v1/organizations/default/import.csv${query}`, {
      raw: csv,
      headers: { 'content-type': 'text/csv; charset=utf-8' },
    })
  const refusedRows = (answer: { status: number; body: any }) => {
    expect(answer).toMatchObject({ status: 422, body: { code: 'import_refused' } })
    return answer.body.rows as { line: number; field: string | null; detail: string }[]
  }

  it('lets a value work on in its old shape, whether the value or only its digest is known', async () => {
    const [plain, ...hashed] = [foreign(), foreign(), foreign(), foreign(), foreign()] as [string, ...string[]]
    const encodings = ['hex', 'base64', 'base64url'] as const
    const digests = hashed.map((value, place) =>
      sha256(value)
        .toString(encodings[place] ?? 'base64')
        .replace(/=+$/, place < 3 ? '$&' : ''),
    )
    const answer = await send([
      {
        value: plain,
        name: 'Zapier, production',
        owner: 'ada@example.com',
        scopes: ['orders:read'],
        metadata: { plan: 'pro' },
        rate_limit: { windows: [{ limit: 1_000, window_seconds: 60 }] },
        quota: { limit: 5_000, refill: 'monthly' },
      },
      ...digests.map((digest, place) => ({ digest, name: `Known by its digest ${place}` })),
    ])
    expect(answer).toMatchObject({ status: 201, body: { imported: 5, existing: 0 } })
    expect(answer.text).not.toContain(plain)
    expect(answer.body.keys.map((row: { hint: string }) => row.hint)).toEqual([
      `acme…${plain.slice(-4)}`,
      ...hashed.map((value) => `sha256:${sha256(value).toString('hex').slice(0, 8)}…`),
    ])
    expect(await keyturn.verify(plain, { scopes: ['orders:read'] })).toMatchObject({
      code: 'VALID',
      key: {
        id: answer.body.keys[0].id,
        name: 'Zapier, production',
        owner: 'ada@example.com',
        metadata: { plan: 'pro' },
      },
    })
    for (const [place, value] of hashed.entries())
      expect(await keyturn.verify(value)).toMatchObject({ code: 'VALID', key: { id: answer.body.keys[place + 1].id } })
    expect((await keyturn.request('GET', `/v1/keys/${answer.body.keys[0].id}`)).body).toMatchObject({
      rate_limit: { windows: [{ limit: 1_000, window_seconds: 60 }] },
      quota: { limit: 5_000, refill: 'monthly', on_outage: 'allow' },
    })
    expect((await keyturn.verify(`${plain}x`)).code).toBe('NOT_FOUND')
  })

  it('makes ordinary keys of them: found, disabled, enabled, rotated into ours, revoked', async () => {
    const value = foreign()
    const { body } = await send([{ value, name: 'Shopify, staging', expires_in: 86_400, disabled: true }])
    const path = `/v1/keys/${body.keys[0].id}`
    expect((await keyturn.verify(value)).code).toBe('DISABLED')
    await keyturn.request('POST', `${path}/enable`)
    expect(await keyturn.verify(value)).toMatchObject({ code: 'VALID' })
    const { body: key } = await keyturn.request('GET', path)
    expect(key).toMatchObject({ kind: 'secret', last_action: { action: 'key.enabled' } })
    expect(Date.parse(key.expires_at) - Date.parse(key.created_at)).toBe(86_400_000)
    expect(key.secrets[0].value).toBeNull()
    const { body: found } = await keyturn.request('GET', `/v1/organizations/default/keys?q=shopify`)
    expect(found.data).toMatchObject([{ id: key.id }])
    const rotated = await keyturn.request('POST', `${path}/rotate`, { body: { overlap: 3600 } })
    expect(rotated.body.secret.value).toMatch(/^kt_live_/)
    expect((await keyturn.verify(value)).code).toBe('VALID')
    expect((await keyturn.verify(rotated.body.secret.value)).code).toBe('VALID')
    await keyturn.request('POST', `${path}/revoke`, { body: {} })
    expect((await keyturn.verify(value)).code).toBe('REVOKED')
    const { body: events } = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)
    expect(events.data.at(-1)).toMatchObject({
      action: 'key.imported',
      target: { id: key.id },
      after: { name: 'Shopify, staging' },
    })
    const { body: chain } = await keyturn.request('GET', '/v1/organizations/default/audit-events/verification')
    expect(chain).toMatchObject({ intact: true })
  })

  it('is held to the policy: a year unless said otherwise, and never for ever', async () => {
    const { body } = await send([{ value: foreign(), name: 'Without an end' }])
    const { body: key } = await keyturn.request('GET', `/v1/keys/${body.keys[0].id}`)
    expect(Date.parse(key.expires_at) - Date.parse(key.created_at)).toBe(365 * 86_400_000)
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    const policy = { name_pattern: '[A-Z].*', refuse_vague_names: true }
    await keyturn.request('PATCH', `/v1/organizations/${organization.id}`, { body: { policy } })
    const rows = [
      { value: foreign(), name: 'Zapier, production' },
      { value: foreign(), name: 'zapier' },
      { value: foreign(), name: 'Test' },
      { value: foreign(), name: 'Forever', never_expires: true },
      { value: foreign(), name: 'Late', expires_at: '2090-01-01T00:00:00Z' },
      { value: foreign(), name: 'Early', expires_at: '2001-01-01T00:00:00Z' },
    ]
    const refused = refusedRows(await send(rows, { project: project.id }, {}, organization.id))
    expect(refused.map(({ line, field }) => [line, field])).toEqual([
      [2, 'name'],
      [3, 'name'],
      [4, 'expires_at'],
      [5, 'expires_at'],
      [6, 'expires_at'],
    ])
  })

  it('of 10,000 rows with one bad one changes nothing, and names that row by line and reason', async () => {
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    await keyturn.request('PATCH', `/v1/organizations/${organization.id}`, {
      body: { policy: { max_active_keys: 20_000 } },
    })
    const rows = Array.from({ length: mostImported }, (_, index) => ({
      value: foreign(),
      name: `Integration ${index}`,
    }))
    const bad = rows.with(7_122, { value: 'short', name: 'Integration' })
    const before = await keyturn.request('GET', `/v1/organizations/${organization.id}/audit-events/verification`)
    expect(refusedRows(await send(bad, { project: project.id }, {}, organization.id))).toEqual([
      { line: 7_123, field: 'value', detail: expect.stringContaining('too short') },
    ])
    const after = await keyturn.request('GET', `/v1/organizations/${organization.id}/audit-events/verification`)
    expect(after.body.events).toBe(before.body.events)
    expect((await keyturn.verify(rows[0]?.value ?? '')).code).toBe('NOT_FOUND')

    const whole = await send(rows, { project: project.id }, {}, organization.id)
    expect(whole).toMatchObject({ status: 201, body: { imported: mostImported, existing: 0 } })
    // It was asked about before. On a busy machine its own node may not have looked yet when the answer is given.
    await expect.poll(async () => (await keyturn.verify(rows[0]?.value ?? '')).code, { timeout: 10_000 }).toBe('VALID')
    expect((await keyturn.verify(rows.at(-1)?.value ?? '')).code).toBe('VALID')

    const again = await send(rows, { project: project.id }, {}, organization.id)
    expect(again).toMatchObject({ status: 201, body: { imported: 0, existing: mostImported } })
    expect(again.body.keys.map((row: { id: string }) => row.id)).toEqual(
      whole.body.keys.map((row: { id: string }) => row.id),
    )
    const end = await keyturn.request('GET', `/v1/organizations/${organization.id}/audit-events/verification`)
    expect(end.body).toMatchObject({ intact: true, events: after.body.events + mostImported })
  })

  it('names everything that is wrong with every row, in one answer', async () => {
    const twice = foreign()
    const rows = [
      { value: ` ${foreign()}`, name: 'With a space' },
      { value: `"${foreign()}"`, name: 'With quotes' },
      { value: `Bearer ${foreign()}`, name: 'With Bearer' },
      { value: 'kt_live_0000000000000000000000000000000000000a', name: 'Ours, with a wrong checksum' },
      { value: `ключ_${foreign()}`, name: 'No header can carry it' },
      { value: twice, name: 'Once' },
      { digest: sha256(twice).toString('base64'), name: 'And again' },
      { value: foreign(), digest: sha256(twice).toString('hex'), name: 'Both' },
      { name: 'Neither' },
      { digest: 'not a digest', name: 'No digest' },
      { value: foreign() },
      { value: foreign(), name: '', owner: 'nobody', unknown: 1 },
      { value: foreign(), name: 'Elsewhere', project: 'nowhere' },
      { value: foreign(), name: 'Signed', kind: 'jwt' },
      { digest: sha256(foreign()).toString('hex'), name: 'Publishable', kind: 'publishable' },
      'no object',
      null,
    ]
    let refused: ReturnType<typeof refusedRows> = []
    await expectNothingChanged(keyturn, async () => {
      refused = refusedRows(await send(rows as object[]))
    })
    const said = refused.map(({ line, field }) => `${line} ${field}`)
    expect(said).toEqual([
      '1 value',
      '2 value',
      '3 value',
      '4 value',
      '5 value',
      '7 value',
      '8 value',
      '9 value',
      '10 digest',
      '11 name',
      '12 name',
      '12 owner',
      '12 unknown',
      '13 project',
      '14 kind',
      '15 value',
      '16 null',
      '17 null',
    ])
  })

  it('never brings back what ended here, whoever had it, and says no more of a stranger’s than that it is known', async () => {
    const [revoked, deleted, expired, strangers] = [foreign(), foreign(), foreign(), foreign()]
    const { body } = await send([
      { value: revoked, name: 'Revoked' },
      { value: deleted, name: 'Deleted' },
      { value: expired, name: 'Expired', expires_in: 60 },
    ])
    const [first, second] = body.keys
    await keyturn.request('POST', `/v1/keys/${first.id}/revoke`, { body: {} })
    await keyturn.request('DELETE', `/v1/keys/${second.id}?confirm=DELETE`)
    keyturn.clock.advance(61_000)
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    await send([{ value: strangers, name: 'A stranger’s' }], { project: project.id }, {}, organization.id)
    const digests = [revoked, deleted, expired, strangers].map((value) => sha256(value).toString('hex'))
    const refused = refusedRows(await send(digests.map((digest, place) => ({ digest, name: `Again ${place}` }))))
    expect(refused.map(({ line }) => line)).toEqual([1, 2, 3, 4])
    expect(refused[1]?.detail).toContain('never works again')
    expect(refused[3]?.detail).toBe('is known already, and cannot be imported')
    expect(refused[3]?.detail).not.toContain(organization.id)
  })

  it('never goes beyond the limit, however many come at once', async () => {
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    const batches = Array.from({ length: 5 }, () =>
      Array.from({ length: 12 }, () => ({ value: foreign(), name: 'Integration' })),
    )
    const answers = await Promise.all(batches.map((rows) => send(rows, { project: project.id }, {}, organization.id)))
    // One of 50 is the legacy key.
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 201, 409])
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'active_key_limit_reached',
      active: 49,
      adding: 12,
    })
    const { rows } = await sql<{
      count: number
    }>`select count(*)::int as count from keys where project_id = ${project.id}`.execute(keyturn.database.reader)
    expect(rows[0]?.count).toBe(49)
  })

  it('of the same import twice at once makes each key once', async () => {
    const other = await keyturn.createProject('default')
    const rows = Array.from({ length: 20 }, (_, place) => ({
      value: foreign(),
      name: `Integration ${place}`,
      project: other.id,
    }))
    const answers = await Promise.all([send(rows), send(rows), send(rows)])
    expect(answers.map(({ body }) => Number(body.imported)).toSorted((a, b) => a - b)).toEqual([0, 0, 20])
    expect(
      new Set(answers.map(({ body }) => JSON.stringify(body.keys.map((row: { id: string }) => row.id)))).size,
    ).toBe(1)
  })

  it('is done once where it is repeated under the same Idempotency-Key', async () => {
    const rows = [{ value: foreign(), name: 'Once' }]
    const options = { headers: { 'idempotency-key': randomBytes(8).toString('hex') } }
    const [first, second] = [await send(rows, {}, options), await send(rows, {}, options)]
    expect(second.text).toBe(first.text)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
  })

  it('reads CSV as it comes out of a spreadsheet, and names the line of the file', async () => {
    const [one, two] = [foreign(), foreign()]
    const csv = [
      '\ufeffname,value,owner,scopes,metadata,disabled,expires_at',
      `"Zapier, ""production""",${one},Ada@Example.com,orders:read orders:write,"{""plan"":""pro""}",,2027-03-01T00:00:00Z`,
      '',
      `"Two`,
      `lines",${two},,,,true,`,
    ].join('\r\n')
    const refused = refusedRows(await sendCsv(csv))
    expect(refused).toMatchObject([{ line: 5, field: 'name' }])
    const good = await sendCsv(csv.replace('Two\r\nlines', 'Two'))
    expect(good).toMatchObject({ status: 201, body: { imported: 2, keys: [{ line: 2 }, { line: 4 }] } })
    expect(await keyturn.verify(one)).toMatchObject({
      code: 'VALID',
      key: {
        name: 'Zapier, "production"',
        owner: 'ada@example.com',
        scopes: ['orders:read', 'orders:write'],
        metadata: { plan: 'pro' },
      },
    })
    expect((await keyturn.verify(two)).code).toBe('DISABLED')
  })

  it('says what is wrong with a CSV as a whole', async () => {
    const cases = [
      ['', 'has no row'],
      ['name,value\r\n', 'has no row'],
      ['name,colour\r\na,b\r\n', 'colour: is no column'],
      ['name,name\r\na,b\r\n', 'is there twice'],
      ['name,value\r\n"a,b\r\n', 'cannot be read'],
      ['name,value\r\na,b,c\r\n', 'cannot be read'],
      [`name,value\r\n${'a,b\r\n'.repeat(mostImported + 1)}`, 'more than 10000 rows'],
    ] as const
    for (const [csv, detail] of cases) {
      const answer = await sendCsv(csv)
      expect(faultOf(answer, { status: 400, code: 'invalid_request' })).toBeNull()
      expect(answer.body.detail).toContain(detail)
    }
    const octets = await keyturn.request('POST', '/v1/organizations/default/import.csv', {
      raw: new Uint8Array([0xff, 0xfe]),
      headers: { 'content-type': 'text/csv' },
    })
    expect(octets.body.detail).toContain('UTF-8')
    const json = await keyturn.request('POST', '/v1/organizations/default/import.csv', { body: {} })
    expect(json).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } })
  })

  it('takes 16 MiB and not an octet more, and nothing from whoever may not import', async () => {
    const { secret } = await keyturn.createManagementKey('default', { scopes: ['keys:read'] })
    const large = JSON.stringify({ keys: [{ name: 'x'.repeat(2 ** 20) }] })
    const refused = await keyturn.request('POST', '/v1/organizations/default/import', { raw: large, key: secret.value })
    expect(refused).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } })
    const tooLarge = await keyturn.request('POST', '/v1/organizations/default/import', { raw: ' '.repeat(2 ** 24 + 1) })
    expect(tooLarge).toMatchObject({ status: 413, body: { code: 'body_too_large', limit: 2 ** 24 } })
    const rows = Array.from({ length: mostImported + 1 }, () => ({}))
    expect(await send(rows)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })

  it('goes into the only project there is where none is named, and names it as missing where there are several', async () => {
    const organization = await keyturn.createOrganization()
    const path = `/v1/organizations/${organization.id}/import`
    const body = { keys: [{ value: foreign(), name: 'Zapier, production' }] }
    expect(refusedRows(await keyturn.request('POST', path, { body }))).toMatchObject([{ line: 1, field: 'project' }])
    const project = await keyturn.createProject(organization.id)
    const answer = await keyturn.request('POST', path, { body })
    expect(answer).toMatchObject({ status: 201, body: { keys: [{ project_id: project.id }] } })
    await keyturn.createProject(organization.id)
    expect(refusedRows(await keyturn.request('POST', path, { body }))).toMatchObject([{ line: 1, field: 'project' }])
    const nowhere = await keyturn.request('POST', path, { body: { ...body, project: 'nowhere' } })
    expect(nowhere).toMatchObject({ status: 404, body: { code: 'project_not_found' } })
  })

  it('reaches only the projects that the caller reaches', async () => {
    const [own, other] = [await keyturn.createProject('default'), await keyturn.createProject('default')]
    const { secret } = await keyturn.createManagementKey('default', { scopes: ['keys:write'], projects: [own.id] })
    const rows = [
      { value: foreign(), name: 'Own', project: own.slug },
      { value: foreign(), name: 'Other', project: other.id },
    ]
    expect(refusedRows(await send(rows, { project: undefined }, { key: secret.value }))).toMatchObject([
      { line: 2, field: 'project' },
    ])
    const elsewhere = await keyturn.createOrganization()
    const foreigner = await send(rows, {}, { key: secret.value }, elsewhere.id)
    expect(foreigner).toMatchObject({ status: 404, body: { code: 'organization_not_found' } })
  })
})
