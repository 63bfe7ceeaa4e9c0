import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createPostgresDatabase, engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { systemClock } from '../kernel/clock.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import { replaceRootKey } from '../people/install.ts'
import { openPostgres } from '../storage/database.ts'
import { forgetOldAnswers } from './idempotent.ts'

const minute = 60_000
const hour = 60 * minute

describe.each(engines)('a call with an Idempotency-Key, on $name', (engine) => {
  let keyturn: Keyturn
  let lastKey = 0
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    await keyturn.request('PATCH', '/v1/organizations/default', { body: { policy: { max_active_keys: 1000 } } })
  })
  afterAll(() => keyturn.stop())

  const freshKey = () => `attempt-${++lastKey}`
  const create = (idempotencyKey: string, body: object = { name: 'Zapier' }, key?: string) =>
    keyturn.request('POST', '/v1/projects/default/keys', {
      body,
      headers: { 'idempotency-key': idempotencyKey },
      ...(key === undefined ? {} : { key }),
    })
  const rows = async () =>
    (
      await sql<{ row: string }>`select a::text as row from idempotent_answers as a order by 1`.execute(
        keyturn.database.reader,
      )
    ).rows.map(({ row }) => row)
  const keysNamed = async (name: string) =>
    (
      await sql<{ count: number }>`select count(*) as count from keys where name = ${name}`.execute(
        keyturn.database.reader,
      )
    ).rows[0]?.count

  it('that is repeated gets the very same answer, secret included, and makes one key', async () => {
    const [name, idempotencyKey] = ['Once', freshKey()]
    const first = await create(idempotencyKey, { name })
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null])
    const second = await create(idempotencyKey, { name })
    expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(second.text).toBe(first.text)
    expect(second.headers.get('cache-control')).toBe('no-store')
    expect(await keysNamed(name)).toBe(1)
    expect(await keyturn.verify(second.body.secret.value)).toMatchObject({ code: 'VALID' })
  })

  it('that comes many times at once is done once, and all get the same answer', async () => {
    const [name, idempotencyKey] = ['Many times', freshKey()]
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(idempotencyKey, { name })))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
    expect(await keysNamed(name)).toBe(1)
  })

  it('under another key of the same body is another call', async () => {
    const name = 'Two calls'
    const [one, other] = [await create(freshKey(), { name }), await create(freshKey(), { name })]
    expect(one.body.key.id).not.toBe(other.body.key.id)
  })

  it('with another body is refused, and changes nothing', async () => {
    const idempotencyKey = freshKey()
    const first = await create(idempotencyKey, { name: 'The first body' })
    const other = await create(idempotencyKey, { name: 'Another body' })
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
    expect(await keysNamed('Another body')).toBe(0)
    expect((await create(idempotencyKey, { name: 'The first body' })).text).toBe(first.text)
  })

  it('on another route, or of another caller, has nothing to do with it', async () => {
    const idempotencyKey = freshKey()
    const { body } = await create(idempotencyKey)
    const headers = { 'idempotency-key': idempotencyKey }
    const disabled = await keyturn.request('POST', `/v1/keys/${body.key.id}/disable`, { body: {}, headers })
    expect([disabled.status, disabled.body.key.status]).toEqual([200, 'disabled'])
    const { secret } = await keyturn.createManagementKey('default', { scopes: ['keys:write'] })
    const byAnother = await create(idempotencyKey, { name: 'Zapier' }, secret.value)
    expect(byAnother.headers.get('idempotency-replayed')).toBeNull()
    expect(byAnother.body.key.id).not.toBe(body.key.id)
  })

  it('that is repeated after the state has changed still gets the first answer', async () => {
    const { key } = await keyturn.createKey('default')
    const [disable, headers] = [`/v1/keys/${key.id}/disable`, { 'idempotency-key': freshKey() }]
    await keyturn.request('POST', disable, { headers })
    await keyturn.request('POST', `/v1/keys/${key.id}/enable`)
    const repeated = await keyturn.request('POST', disable, { headers })
    expect([repeated.status, repeated.body.key.status]).toEqual([200, 'disabled'])
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.status).toBe('active')
  })

  it('that fails leaves no row, and can be tried again', async () => {
    const idempotencyKey = freshKey()
    const before = await rows()
    await keyturn.request('PATCH', '/v1/projects/default', { body: { policy: { max_active_keys: 1 } } })
    const refused = await create(idempotencyKey, { name: 'In vain' })
    expect(refused.body.code).toBe('active_key_limit_reached')
    expect((await create(idempotencyKey, { name: '' })).status).toBe(400)
    expect(await rows()).toEqual(before)
    await keyturn.request('PATCH', '/v1/projects/default', { body: { policy: { max_active_keys: null } } })
    const again = await create(idempotencyKey, { name: 'In vain' })
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, null])
  })

  it('shows the secret for 10 minutes, and after that the same answer without it', async () => {
    const idempotencyKey = freshKey()
    const first = await create(idempotencyKey)
    keyturn.clock.advance(9 * minute)
    expect((await create(idempotencyKey)).text).toBe(first.text)
    keyturn.clock.advance(1 * minute + 1)
    const later = await create(idempotencyKey)
    expect(later.status).toBe(201)
    expect(later.body).toEqual({ ...first.body, secret: { ...first.body.secret, value: null } })
  })

  it('of a publishable key goes on showing its value, which is no secret', async () => {
    const idempotencyKey = freshKey()
    const body = { name: 'Web shop', kind: 'publishable' }
    const first = await create(idempotencyKey, body)
    keyturn.clock.advance(11 * minute)
    expect((await create(idempotencyKey, body)).text).toBe(first.text)
  })

  it('is forgotten after 24 hours: the same key is a new call then', async () => {
    const idempotencyKey = freshKey()
    const first = await create(idempotencyKey)
    keyturn.clock.advance(24 * hour - minute)
    expect((await create(idempotencyKey)).body.key.id).toBe(first.body.key.id)
    keyturn.clock.advance(minute)
    const anew = await create(idempotencyKey)
    expect([anew.status, anew.headers.get('idempotency-replayed')]).toEqual([201, null])
    expect(anew.body.key.id).not.toBe(first.body.key.id)
    expect((await create(idempotencyKey)).text).toBe(anew.text)
  })

  it('leaves no secret to be read: not in its row, not with another bearer of the same caller', async () => {
    const idempotencyKey = freshKey()
    const { body } = await create(idempotencyKey)
    const { value } = body.secret
    const row = (await rows()).find((text) => text.includes(idempotencyKey)) ?? ''
    expect(row).not.toBe('')
    for (const part of [value, value.slice(8, 20)])
      for (const encoding of ['utf8', 'hex', 'base64'] as const)
        expect(row).not.toContain(Buffer.from(part).toString(encoding))

    const formerKey = keyturn.rootKey
    const newKey = 'another-root-key-of-at-least-32-characters'
    await replaceRootKey(keyturn.ground, {
      set: null,
      make: () => ({ value: new SecretValue(newKey), keep: () => {} }),
    })
    const withAnother = await create(idempotencyKey, { name: 'Zapier' }, newKey)
    expect(withAnother.status).toBe(201)
    expect(withAnother.body).toEqual({ ...body, secret: { ...body.secret, value: null } })
    await replaceRootKey(keyturn.ground, {
      set: null,
      make: () => ({ value: new SecretValue(formerKey), keep: () => {} }),
    })
    expect((await create(idempotencyKey)).body.secret.value).toBe(value)
  })

  it('leaves no trace at all: the job wipes secrets after 10 minutes, and rows after 24 hours', async () => {
    const idempotencyKey = freshKey()
    await create(idempotencyKey)
    const find = async () =>
      (
        await keyturn.database.reader
          .selectFrom('idempotent_answers')
          .selectAll()
          .where('idempotency_key', '=', idempotencyKey)
          .execute()
      )[0]
    await forgetOldAnswers(keyturn.ground)
    expect((await find())?.sealed_answer).not.toBeNull()
    keyturn.clock.advance(10 * minute + 1)
    await forgetOldAnswers(keyturn.ground)
    expect((await find())?.sealed_answer).toBeNull()
    expect((await create(idempotencyKey)).body.secret.value).toBeNull()
    keyturn.clock.advance(24 * hour)
    await forgetOldAnswers(keyturn.ground)
    expect(await rows()).toEqual([])
  })

  it('wants a key of 1 to 255 visible ASCII characters', async () => {
    for (const idempotencyKey of ['a b', 'x'.repeat(256), 'é']) {
      const { status, body } = await create(idempotencyKey)
      expect([status, body.code, body.errors[0].path]).toEqual([400, 'invalid_request', 'Idempotency-Key'])
    }
    expect((await create('x'.repeat(255))).status).toBe(201)
  })
})

describe('an Idempotency-Key that comes again after its 24 hours, twice at the same moment', () => {
  it('is done once: the second waits for the first and gets its answer', async () => {
    const { url, drop } = await createPostgresDatabase()
    const engine = { name: 'PostgreSQL', open: async () => openPostgres(url, systemClock, () => {}) } as const
    const keyturn = await openKeyturn(engine)
    const holder = new pg.Client(url)
    await holder.connect()
    try {
      const send = () =>
        keyturn.request('POST', '/v1/projects/default/keys', {
          body: { name: 'Zapier' },
          headers: { 'idempotency-key': 'again' },
        })
      const first = await send()
      await sql`update idempotent_answers set created_at = created_at - interval '25 hours'`.execute(
        keyturn.database.reader,
      )
      // Both have seen the old answer, and wait for its row, before either can take it away.
      await holder.query('begin')
      await holder.query('select from idempotent_answers for update')
      const both = Promise.all([send(), send()])
      await vi.waitFor(
        async () => {
          const { rows } = await sql`select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`.execute(keyturn.database.reader)
          expect(rows).toHaveLength(2)
        },
        { timeout: 4_500 },
      )
      await holder.query('commit')
      const [one, other] = await both
      expect([one.status, other.status]).toEqual([201, 201])
      expect(one.text).toBe(other.text)
      expect(one.body.key.id).not.toBe(first.body.key.id)
    } finally {
      await holder.end()
      await keyturn.stop()
      await drop()
    }
  })
})
