import type { EndedCode, Key } from '@keyturn/contract'
import { parse } from 'csv-parse/sync'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UseCollector } from '../../src/usage/use-collector.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const hour = 3_600_000
const day = 24 * hour

describe.each(anEngine('PGlite'))('a call with a secret that has ended, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    project = (await keyturn.createProject('default')).id
  })
  afterAll(() => keyturn.stop())

  const read = async (id: string): Promise<Key> => (await keyturn.request('GET', `/v1/keys/${id}`)).body
  const act = (id: string, path: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${id}/${path}`, { body })
  const list = async (query: string): Promise<Key[]> =>
    (await keyturn.request('GET', `/v1/projects/${project}/keys?${query}`)).body.data
  /** The cut-over is by all that is known: calls of the last seconds are written for it. */
  const written = (id: string) => keyturn.request('GET', `/v1/keys/${id}/rotation`)

  const endings: [EndedCode, (id: string) => Promise<unknown>][] = [
    ['ROTATED', (id) => act(id, 'rotate', { overlap: 0 })],
    ['EXPIRED', async () => keyturn.clock.advance(2 * hour)],
    [
      'REVOKED',
      async (id) => {
        await act(id, 'rotate')
        await act(id, 'revoke', { slot: 'secondary' })
      },
    ],
  ]

  it.each(endings)('gives %s, is counted, and shows on the key, in lists and as CSV', async (code, end) => {
    const { key, secret } = await keyturn.createKey(project, { expires_in: 3600 })
    await keyturn.verify(secret.value)
    expect(key.last_refused).toBeNull()
    await end(key.id)
    for (let time = 0; time < 3; time++) expect(await keyturn.verify(secret.value)).toMatchObject({ code })
    await written(key.id)
    const shown = await read(key.id)
    expect(shown.last_refused).toEqual({ code, secret_id: secret.id, at: expect.any(String) })
    expect(Math.abs(Date.parse(shown.last_refused?.at ?? '') - keyturn.clock.now())).toBeLessThan(60_000)
    const usage = await keyturn.request('GET', `/v1/keys/${key.id}/usage`)
    const counts = usage.body.data.filter((bucket: { secret_id: string }) => bucket.secret_id === secret.id)
    expect(counts.reduce((sum: number, bucket: any) => sum + (bucket.counts[code] ?? 0), 0)).toBe(3)
    expect((await list('refused_since=1h')).find(({ id }) => id === key.id)).toEqual(shown)
    const csv = await keyturn.request('GET', `/v1/projects/${project}/keys.csv?refused_since=1h`)
    const rows: Record<string, string>[] = parse(csv.text, { columns: true })
    expect(rows.find((row) => row['id'] === key.id)).toMatchObject({
      last_refused_at: shown.last_refused?.at,
      last_refused_code: code,
    })
  })

  it('is told apart from calls that are refused for another reason, and from those that pass', async () => {
    const { key, secret } = await keyturn.createKey(project)
    await keyturn.verify(secret.value)
    await keyturn.verify(secret.value, { scopes: ['admin'] })
    await act(key.id, 'disable')
    await keyturn.verify(secret.value)
    await written(key.id)
    expect((await read(key.id)).last_used_at).not.toBeNull()
    expect((await read(key.id)).last_refused).toBeNull()
    expect((await list('refused_since=365d&status=disabled')).map(({ id }) => id)).not.toContain(key.id)
  })

  it('is found by when it came last, in whatever order nodes write, and by the newest of several secrets', async () => {
    const { key, secret } = await keyturn.createKey(project)
    const rotated = await act(key.id, 'rotate', { overlap: 0 })
    await act(key.id, 'rotate', { overlap: 0 })
    const now = keyturn.clock.now()
    const [one, other] = [new UseCollector(keyturn.database), new UseCollector(keyturn.database)]
    other.note(key.id, secret.id, 'ROTATED', now - 3 * day, '203.0.113.1', null)
    one.note(key.id, secret.id, 'EXPIRED', now - 5 * day, '203.0.113.2', null)
    one.note(key.id, rotated.body.secret.id, 'ROTATED', now - 4 * day, null, null)
    await other.flush()
    await one.flush()
    const at = new Date(now - 3 * day).toISOString()
    expect((await read(key.id)).last_refused).toEqual({ code: 'ROTATED', secret_id: secret.id, at })
    const found = async (query: string) => (await list(query)).some(({ id }) => id === key.id)
    expect([await found('refused_since=4d'), await found('refused_since=2d')]).toEqual([true, false])
    expect([await found(`refused_since=${at.replace('Z', '')}Z`), await found('unused_since=1d')]).toEqual([true, true])
  })

  it('is not lost when a flush fails', async () => {
    const { key, secret } = await keyturn.createKey(project)
    const uses = new UseCollector(keyturn.database)
    const { reader } = keyturn.database
    const now = keyturn.clock.now()
    await sql`alter table key_activity rename to key_activity_away`.execute(reader)
    uses.note(key.id, secret.id, 'EXPIRED', now - hour, null, null)
    await expect(uses.flush()).rejects.toThrow()
    uses.note(key.id, secret.id, 'EXPIRED', now, null, null)
    await sql`alter table key_activity_away rename to key_activity`.execute(reader)
    await uses.flush()
    expect((await read(key.id)).last_refused?.at).toBe(new Date(now).toISOString())
    expect((await list('refused_since=1h')).map(({ id }) => id)).toContain(key.id)
  })
})

describe.each(anEngine('PGlite'))('writing the uses of one key alone, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  it('leaves those of all others for the next flush, and takes none of them twice', async () => {
    const [one, other] = [await keyturn.createKey('default'), await keyturn.createKey('default')]
    const uses = new UseCollector(keyturn.database)
    const now = keyturn.clock.now()
    const note = (made: typeof one) => uses.note(made.key.id, made.secret.id, 'VALID', now, null, null)
    const counted = async () => {
      const { rows } = await sql<{
        count: number
      }>`select count from usage_hours where key_id in (${one.key.id}, ${other.key.id})
        order by key_id = ${one.key.id} desc`.execute(keyturn.database.reader)
      return rows.map((row) => row.count)
    }
    for (const made of [one, other, other]) note(made)
    await uses.flushKey(one.key.id)
    expect(await counted()).toEqual([1])
    note(one)
    await Promise.all([uses.flushKey(one.key.id), uses.flush(), uses.flushKey(other.key.id)])
    expect(await counted()).toEqual([2, 2])
  })

  it('keeps them where that fails', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const uses = new UseCollector(keyturn.database)
    const { reader } = keyturn.database
    uses.note(key.id, secret.id, 'VALID', keyturn.clock.now(), null, null)
    await sql`alter table usage_hours rename to usage_hours_away`.execute(reader)
    await expect(uses.flushKey(key.id)).rejects.toThrow()
    await sql`alter table usage_hours_away rename to usage_hours`.execute(reader)
    await uses.flush()
    const { body } = await keyturn.request('GET', `/v1/keys/${key.id}/usage`)
    expect(body.data).toMatchObject([{ counts: { VALID: 1 } }])
  })
})
