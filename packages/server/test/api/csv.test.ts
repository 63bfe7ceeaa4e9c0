import type { Key } from '@keyturn/contract'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

const everyStatus = 'status=active,disabled,expired,revoked'
/** More than the page in which a CSV is read. */
const keyCount = 230

describe.each(anEngine('PostgreSQL'))('a list of keys as CSV, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  let org: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const organization = await keyturn.createOrganization()
    org = organization.id
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: { max_active_keys: 1000 } } })
    project = (await keyturn.createProject(org)).id
    const hostile = [
      { name: '=HYPERLINK("https://example.com","click")', purpose: '+1\n=2', owner: 'ada@example.com' },
      { name: '+49 30 1234', purpose: '"quoted", and more', scopes: ['=1+1', '@a'] },
      { name: '@SUM(A1:A9)', purpose: '-', environment: 'test' },
      { name: '＝1+1', purpose: '＋ － ＠', kind: 'publishable' },
      { name: 'Zapier, "production"', purpose: 'one\n\ntwo\tthree', scopes: ['orders:read', 'orders:write'] },
    ]
    for (const fields of hostile) await keyturn.createKey(project, fields)
    const many = Array.from({ length: keyCount - hostile.length }, (_, index) => index)
    // In step, so that many are made in one second and the order among them has to be kept, too.
    while (many.length > 0) {
      await Promise.all(
        many
          .splice(0, 20)
          .map((index) => keyturn.createKey(project, { name: `Integration ${index}`, expires_in: 3600 + (index % 7) })),
      )
    }
    const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?q=integration&limit=3`)
    for (const [index, action] of ['disable', 'revoke'].entries()) {
      await keyturn.request('POST', `/v1/keys/${body.data[index].id}/${action}`)
    }
  })
  afterAll(() => keyturn.stop())

  async function listAll(path: string, query: string): Promise<Key[]> {
    const keys: Key[] = []
    for (let cursor = ''; ; ) {
      const { body } = await keyturn.request('GET', `${path}?limit=200&${query}${cursor}`)
      keys.push(...body.data)
      if (body.next_cursor === null) return keys
      cursor = `&cursor=${body.next_cursor}`
    }
  }

  async function download(path: string, query: string) {
    const answer = await keyturn.request('GET', `${path}.csv?${query}`)
    expect(answer.status, answer.text.slice(0, 200)).toBe(200)
    const rows: Record<string, string>[] = parse(answer.text, { columns: true })
    return { ...answer, rows }
  }

  it.each([
    '',
    everyStatus,
    `${everyStatus}&sort=-name`,
    'sort=created_at',
    'sort=-next_expiry_at&kind=secret',
    'q=integration&status=disabled,revoked',
    'q=nothing+has+this+name',
  ])('has the rows of the JSON list in the same order, with ?%s', async (query) => {
    for (const path of [`/v1/projects/${project}/keys`, `/v1/organizations/${org}/keys`]) {
      const keys = await listAll(path, query)
      const { rows } = await download(path, query)
      expect(rows.map((row) => row['id'])).toEqual(keys.map((key) => key.id))
      for (const [index, key] of keys.entries()) {
        const row = rows[index]
        const plain = (text: string | undefined) => text?.replace(/^'/, '')
        expect(row).toMatchObject({
          kind: key.kind,
          environment: key.environment,
          status: key.status,
          project_id: key.project_id,
          expires_at: key.expires_at ?? '',
          next_expiry_at: key.next_expiry_at ?? '',
          never_expires: String(key.never_expires),
          created_at: key.created_at,
          hint: key.secrets[0]?.hint,
          last_action: key.last_action.action,
        })
        expect(plain(row?.['name'])).toBe(key.name)
        expect(plain(row?.['purpose'])).toBe(key.purpose ?? '')
        expect(plain(row?.['owner'])).toBe(key.owner ?? '')
        expect(plain(row?.['scopes'])).toBe(key.scopes.join(' '))
      }
    }
  })

  it('is whole, however many keys there are', async () => {
    const { rows } = await download(`/v1/projects/${project}/keys`, everyStatus)
    // The legacy key is one more.
    expect(rows).toHaveLength(keyCount + 1)
    expect(new Set(rows.map((row) => row['id'])).size).toBe(keyCount + 1)
  })

  it('has no cell that a spreadsheet would run', async () => {
    const { rows } = await download(`/v1/projects/${project}/keys`, everyStatus)
    for (const row of rows) for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
    expect(rows.filter((row) => row['name']?.startsWith("'"))).toHaveLength(4)
  })

  it('comes as a file, in pieces while it is read', async () => {
    const path = `/v1/projects/${project}/keys.csv`
    const headers = { authorization: `Bearer ${keyturn.rootKey}` }
    const response = await fetch(`${keyturn.url}${path}`, { headers })
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="keys.csv"')
    expect(response.headers.get('content-length')).toBeNull()
    const pieces: string[] = []
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString())
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.join('').split('\r\n').length).toBeGreaterThan(keyCount)
  })

  it('stops being made when nobody reads it any more, and the server goes on', async () => {
    const headers = { authorization: `Bearer ${keyturn.rootKey}` }
    for (let time = 0; time < 5; time++) {
      const response = await fetch(`${keyturn.url}/v1/projects/${project}/keys.csv`, { headers })
      await response.body?.cancel()
    }
    expect((await download(`/v1/projects/${project}/keys`, '')).rows.length).toBeGreaterThan(200)
    expect(keyturn.log.filter((line) => line.includes('nobody foresaw'))).toEqual([])
  })

  it('is an error as all others where the request is wrong, and not half a file', async () => {
    for (const query of ['limit=10', 'cursor=x', 'sort=nothing']) {
      const answer = await keyturn.request('GET', `/v1/projects/${project}/keys.csv?${query}`)
      expect(faultOf(answer, { status: 400 })).toBeNull()
      expect(answer.headers.get('content-disposition')).toBeNull()
    }
  })
})
