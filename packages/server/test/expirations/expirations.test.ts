import type { Expiration, Key } from '@keyturn/contract'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

const day = 86_400
const dayMs = 1000 * day

describe.each(engines)('everything that ends, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let projects: string[]
  const path = () => `/v1/organizations/${org}/expirations`
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  /** An organization of its own, so that tests do not meet. */
  async function begin(policy: object = {}, count = 2) {
    org = (await keyturn.createOrganization()).id
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy } })
    projects = []
    for (let made = 0; made < count; made++) projects.push((await keyturn.createProject(org)).id)
  }
  const create = (fields: object = {}, project = 0) => keyturn.createKey(projects[project] ?? '', fields)
  const post = (key: Key, action: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${action}`, { body })

  async function readAll(query = '', limit = 200, key?: string): Promise<Expiration[]> {
    const found: Expiration[] = []
    for (let cursor = ''; ; ) {
      const address = `${path()}?limit=${limit}${query}${cursor}`
      const { status, body, text } = await keyturn.request('GET', address, key === undefined ? {} : { key })
      expect(status, text).toBe(200)
      expect(body.data.length).toBeLessThanOrEqual(limit)
      found.push(...body.data)
      if (body.next_cursor === null) return found
      cursor = `&cursor=${body.next_cursor}`
    }
  }
  const shown = (list: readonly Expiration[]) => list.map(({ name, type, status }) => `${name} ${type} ${status}`)

  it('is one list over projects, kinds and slots: soonest first, what never ends last, what has ended after that', async () => {
    await begin({ allow_never_expires: true })
    const rotated = await create({ name: 'Rotated', expires_in: 300 * day })
    await post(rotated.key, 'rotate', { overlap: 5 * day, expires_in: 200 * day })
    const staged = await create({ name: 'Staged', expires_in: 20 * day }, 1)
    await post(staged.key, 'secrets', { expires_in: 40 * day })
    await create({ name: 'Short', expires_in: 2 * day })
    await create({ name: 'Browser', kind: 'publishable', expires_in: 30 * day }, 1)
    await create({ name: 'For ever', never_expires: true })
    await keyturn.createManagementKey(org, { name: 'Pipeline', expires_in: 10 * day })
    const revoked = await create({ name: 'Revoked', expires_in: day })
    await post(revoked.key, 'revoke')
    const disabled = await create({ name: 'Disabled', expires_in: 3 * day })
    await post(disabled.key, 'disable')
    const expected = [
      'Short expiry upcoming',
      'Disabled expiry upcoming',
      'Rotated overlap_end upcoming',
      'Pipeline expiry upcoming',
      'Staged expiry upcoming',
      'Browser expiry upcoming',
      'Staged expiry upcoming',
      'Rotated expiry upcoming',
      'Legacy key expiry never',
      'Legacy key expiry never',
      'For ever expiry never',
    ]
    const all = await readAll()
    expect(shown(all)).toEqual(expected)
    const times = all.map(({ at }) => at ?? 'never')
    expect(times).toEqual(times.toSorted())
    expect(all.find(({ name }) => name === 'Disabled')).toMatchObject({ disabled: true, in_use: false })
    expect(all.find(({ name }) => name === 'Pipeline')).toMatchObject({ management: true, kind: 'secret' })

    keyturn.clock.advance(2.5 * dayMs)
    expect(shown(await readAll())).toEqual([...expected.slice(1), 'Short expiry ended'])
    keyturn.clock.advance(18 * dayMs)
    // The other secret of each goes on: neither has ended as a whole.
    expect(shown(await readAll())).toEqual([
      ...expected.slice(5),
      'Short expiry ended',
      'Disabled expiry ended',
      'Pipeline expiry ended',
    ])
  })

  it('is given in pages of any length, none twice and none left out, also where many end at the same moment', async () => {
    await begin({ allow_never_expires: true, rotate_every: 100 * day })
    const at = new Date(keyturn.clock.now() + 50 * dayMs).toISOString()
    for (let made = 0; made < 6; made++) {
      const { key } = await create({ name: `Both ${made}`, expires_at: at }, made % 2)
      if (made < 3) await post(key, 'secrets', { expires_at: at })
      await create({ name: `Never ${made}`, never_expires: true }, made % 2)
    }
    const whole = await readAll()
    // Six with one end or two, six that never end and two legacy keys, and a rotation of each of the fourteen.
    expect(whole).toHaveLength(6 + 3 + 8 + 14)
    for (const limit of [1, 2, 3, 7]) expect(await readAll('', limit)).toEqual(whole)
    expect(new Set(whole.map(({ id }) => id)).size).toBe(whole.length)
    keyturn.clock.advance(60 * dayMs)
    const later = await readAll()
    for (const limit of [1, 4]) expect(await readAll('', limit)).toEqual(later)
    expect(later.filter(({ status }) => status === 'ended')).toHaveLength(9)
  })

  it('has a rotation that is due for every secret, never-expiring and legacy ones too, and enforces nothing', async () => {
    await begin({ allow_never_expires: true, rotate_every: 90 * day })
    await keyturn.request('PATCH', `/v1/projects/${projects[1]}`, { body: { policy: { rotate_every: 30 * day } } })
    const { key, secret } = await create({ name: 'For ever', never_expires: true })
    await create({ name: 'Quick', expires_in: 300 * day }, 1)
    const due = async () => (await readAll('&type=rotation_due')).map(({ name, status }) => `${name} ${status}`)
    expect(await due()).toEqual(['Legacy key upcoming', 'Quick upcoming', 'Legacy key upcoming', 'For ever upcoming'])
    const shownOf = async () => (await keyturn.request<Key>('GET', `/v1/keys/${key.id}`)).body
    const [listed] = await readAll('&type=rotation_due&kind=secret&project=' + projects[0])
    expect(listed?.at).toBe((await shownOf()).rotation_due_at)
    expect((await shownOf()).secrets[0]?.rotation_due_at).toBe(listed?.at)

    keyturn.clock.advance(91 * dayMs)
    expect(await due()).toEqual(['Legacy key overdue', 'Quick overdue', 'Legacy key overdue', 'For ever overdue'])
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    expect(shown(await readAll('&within=1d'))).toHaveLength(4)

    await post(key, 'rotate', { overlap: day, never_expires: undefined })
    const after = await readAll('&type=rotation_due&kind=secret')
    expect(after.map(({ name, status }) => `${name} ${status}`)).toEqual(['Quick overdue', 'For ever upcoming'])
    expect(after[1]?.at).toBe((await shownOf()).rotation_due_at)
  })

  it('counts the rotation of a staged secret from its own beginning, once it has outlived the other', async () => {
    await begin({ rotate_every: 90 * day }, 1)
    const { key } = await create({ name: 'Handed on', expires_in: 20 * day })
    keyturn.clock.advance(10 * dayMs)
    await post(key, 'secrets', { expires_in: 300 * day })
    const dues = async () => {
      const [one] = await readAll('&type=rotation_due&kind=secret')
      const { body } = await keyturn.request<Key>('GET', `/v1/keys/${key.id}`)
      expect(one?.at).toBe(body.rotation_due_at)
      return Math.round((Date.parse(one?.at ?? '') - keyturn.clock.now()) / dayMs)
    }
    expect(await dues()).toBe(80)
    keyturn.clock.advance(15 * dayMs)
    expect(await dues()).toBe(75)
  })

  it('says whether each secret is called, the old one of a rotation by itself', async () => {
    await begin()
    const used = await create({ name: 'Used', expires_in: 100 * day })
    const idle = await create({ name: 'Idle', expires_in: 100 * day })
    const { body: rotated } = await post(used.key, 'rotate', { overlap: 7 * day })
    await keyturn.verify(used.secret.value)
    const seen = async () =>
      (await readAll('&kind=secret')).map(({ name, type, in_use }) => `${name} ${type} ${String(in_use)}`)
    await expect.poll(seen, { timeout: 15_000 }).toContain('Used overlap_end true')
    expect(await seen()).toEqual(['Used overlap_end true', 'Idle expiry false', 'Used expiry false'])
    expect((await readAll('&in_use=true')).map(({ secret_id }) => secret_id)).toEqual([used.secret.id])
    expect((await readAll('&in_use=false&kind=secret')).map(({ secret_id }) => secret_id)).toEqual([
      idle.secret.id,
      rotated.secret.id,
    ])
    keyturn.clock.advance(31 * dayMs)
    expect(await readAll('&in_use=true')).toEqual([])
  })

  it('is narrowed by time, type, kind, status, owner and project, alone and together', async () => {
    await begin({ allow_never_expires: true })
    const ada = await create({ name: 'Of Ada', owner: 'ada@example.com', expires_in: 10 * day })
    await create({ name: 'Of Grace', owner: 'grace@example.com', expires_in: 20 * day }, 1)
    await create({ name: 'Public', kind: 'publishable', owner: 'ada@example.com', expires_in: 30 * day }, 1)
    await create({ name: 'For ever', never_expires: true })
    await post(ada.key, 'rotate', { overlap: 2 * day, expires_in: 40 * day })
    const names = async (query: string) => [...new Set((await readAll(query, 3)).map(({ name }) => name))]
    const from = (days: number) => encodeURIComponent(new Date(keyturn.clock.now() + days * dayMs).toISOString())
    expect(await names('&within=25d')).toEqual(['Of Ada', 'Of Grace'])
    expect(await names(`&from=${from(5)}&to=${from(35)}`)).toEqual(['Of Grace', 'Public'])
    expect(await names(`&from=${from(35)}`)).toEqual(['Of Ada', 'Legacy key', 'For ever'])
    expect(await names('&type=overlap_end')).toEqual(['Of Ada'])
    expect((await readAll('&type=expiry&owner=ADA@example.com')).map(({ name, kind }) => [name, kind])).toEqual([
      ['Public', 'publishable'],
      ['Of Ada', 'secret'],
    ])
    expect(await names('&kind=publishable&status=upcoming')).toEqual(['Public'])
    expect(await names('&status=never')).toEqual(['Legacy key', 'For ever'])
    expect(await names(`&project=${projects[1]}&kind=secret,publishable&status=upcoming`)).toEqual([
      'Of Grace',
      'Public',
    ])
    expect(await names('&kind=jwt')).toEqual([])
    keyturn.clock.advance(25 * dayMs)
    expect(await names('&status=ended')).toEqual(['Of Grace'])
    expect(await names('&within=25d')).toEqual(['Public', 'Of Ada'])
    for (const [query, field] of [
      ['within=3d&to=2027-01-01T00:00:00Z', 'within'],
      ['in_use=perhaps', 'in_use'],
      ['type=expiry,', 'type.1'],
    ]) {
      const answer = await keyturn.request('GET', `${path()}?${query}`)
      expect(faultOf(answer, { status: 400, code: 'invalid_request', path: field ?? '' })).toBeNull()
    }
    const missing = await keyturn.request('GET', `${path()}?project=nothing`)
    expect(faultOf(missing, { status: 404, code: 'project_not_found' })).toBeNull()
  })

  it('shows a caller what it reaches, and management keys only where it reaches all', async () => {
    await begin()
    await create({ name: 'Near', expires_in: day })
    await create({ name: 'Far', expires_in: day }, 1)
    const { secret } = await keyturn.createManagementKey(org, { name: 'Bound', projects: [projects[0]] })
    const names = async (key: string) => (await readAll('&status=upcoming', 1, key)).map(({ name }) => name)
    expect(await names(keyturn.rootKey)).toEqual(['Near', 'Far', 'Bound'])
    expect(await names(secret.value)).toEqual(['Near'])
    const other = await keyturn.request('GET', `${path()}?project=${projects[1]}`, { key: secret.value })
    expect(other.status).toBe(404)
    const without = await keyturn.createManagementKey(org, { scopes: ['verify'] })
    for (const address of [path(), `${path()}.csv`])
      expect((await keyturn.request('GET', address, { key: without.secret.value })).body.code).toBe(
        'insufficient_scope',
      )
  })

  it('is counted by week for a year, with the days on which many end together', async () => {
    await begin({ allow_never_expires: true, rotate_every: 100 * day })
    const at = new Date(keyturn.clock.now() + 40 * dayMs).toISOString()
    for (let made = 0; made < 6; made++) await create({ expires_at: at }, made % 2)
    await create({ expires_in: 500 * day })
    await create({ expires_in: 3 * day, owner: 'ada@example.com' })
    await keyturn.createManagementKey(org, { expires_in: 10 * day })
    const read = async (query = '') => (await keyturn.request('GET', `${path()}/forecast?${query}`)).body
    const forecast = await read()
    const all = await readAll()
    expect(forecast.weeks.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(all.length - 3)
    expect(forecast).toMatchObject({ overdue: 0, later: 1, never: 2 })
    // The rotations of these eleven are due on one day, too.
    expect(forecast.crowded_days).toMatchObject([{ date: at.slice(0, 10), count: 6, ends: 6 }, { rotations_due: 11 }])
    expect((await read('type=expiry&project=' + projects[0])).crowded_days).toEqual([])
    expect((await read('owner=ada@example.com&type=expiry')).weeks).toEqual(
      expect.arrayContaining([expect.objectContaining({ count: 1 })]),
    )
    keyturn.clock.advance(101 * dayMs)
    expect(await read()).toMatchObject({ overdue: 3 })
  })

  it('is the same list as CSV, whole, with no cell that a spreadsheet would run', async () => {
    await begin({ max_active_keys: 1000 })
    await create({ name: '=HYPERLINK("https://example.com")', owner: 'ada@example.com', expires_in: day })
    await create({ name: '+1', contact: 'team@example.com', expires_in: 2 * day })
    await create({ name: 'שלום "quoted", and more', expires_in: 3 * day })
    for (let made = 0; made < 10; made++)
      await Promise.all(Array.from({ length: 20 }, (_, index) => create({ name: `Key ${made} ${index}` }, made % 2)))
    const list = await readAll()
    const answer = await keyturn.request('GET', `${path()}.csv`)
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="expirations.csv"')
    const rows: Record<string, string>[] = parse(answer.text, { columns: true })
    expect(rows.map(({ id }) => id)).toEqual(list.map(({ id }) => id))
    expect(rows.map(({ name }) => name?.replace(/^'/, ''))).toEqual(list.map(({ name }) => name))
    expect(rows.length).toBeGreaterThan(200)
    expect(rows.at(-1)).toMatchObject({ at: '', status: 'never', legacy: 'true' })
    for (const row of rows) for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
    const narrowed = parse((await keyturn.request('GET', `${path()}.csv?within=60h`)).text, { columns: true })
    expect(narrowed).toHaveLength(2)
    expect(faultOf(await keyturn.request('GET', `${path()}.csv?limit=3`), { status: 400 })).toBeNull()
  })
})
