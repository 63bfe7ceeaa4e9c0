import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { formatTime } from '../kernel/instant.ts'

const day = 86_400_000

describe.each(engines)('extending a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const extend = (id: string, body: object) => keyturn.request('POST', `/v1/keys/${id}/extend`, { body })
  const later = (iso: string | null, distance: number) => formatTime(Date.parse(iso ?? '') + distance)

  it('moves its end to a later time, by date or by distance, and the value works until then', async () => {
    const { key, secret } = await keyturn.createKey('default', { expires_in: 3600 })
    const expires_at = later(key.expires_at, day)
    const { status, body } = await extend(key.id, { expires_at })
    expect([status, body.key.expires_at, body.key.next_expiry_at]).toEqual([200, expires_at, expires_at])
    expect(body.key.secrets).toMatchObject([{ id: secret.id, expires_at }])
    keyturn.clock.advance(2 * 3_600_000)
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'VALID', expires_at })
    const byDistance = (await extend(key.id, { expires_in: 10 * 86_400 })).body.key
    expect(Math.abs(Date.parse(byDistance.expires_at) - keyturn.clock.now() - 10 * day)).toBeLessThan(60_000)
    keyturn.clock.advance(11 * day)
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'EXPIRED' })
  })

  it('never makes it end sooner: people plan by the date that they were told', async () => {
    const { key } = await keyturn.createKey('default', { expires_in: 30 * 86_400 })
    for (const body of [
      { expires_in: 86_400 },
      { expires_at: later(key.expires_at, -1) },
      { expires_at: '2020-01-01T00:00:00Z' },
    ]) {
      const refused = await extend(key.id, body)
      expect([refused.status, refused.body.code]).toEqual([409, 'would_shorten'])
      expect(refused.body.detail).toContain(key.expires_at)
    }
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body).toEqual(key)
  })

  it('to the time that it has is a success without an event', async () => {
    const { key } = await keyturn.createKey('default')
    const { status, body } = await extend(key.id, { expires_at: key.expires_at })
    expect([status, body.key]).toEqual([200, key])
    const events = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)
    expect(events.body.data).toHaveLength(1)
  })

  it('goes no further than the maximum lifetime, which counts from its creation, however often it is done', async () => {
    const { key } = await keyturn.createKey('default', { expires_in: 10 * 86_400 })
    const latest = later(key.created_at, 730 * day)
    expect((await extend(key.id, { expires_at: later(latest, 1) })).body).toMatchObject({
      code: 'max_lifetime_exceeded',
      latest,
    })
    keyturn.clock.advance(5 * day)
    expect((await extend(key.id, { expires_in: 730 * 86_400 })).body).toMatchObject({
      code: 'max_lifetime_exceeded',
      latest,
    })
    expect((await extend(key.id, { expires_at: latest })).body.key.expires_at).toBe(latest)
    expect((await extend(key.id, { expires_at: later(latest, 1) })).body.code).toBe('max_lifetime_exceeded')
  })

  it('follows a policy that became stricter, without shortening what is there', async () => {
    const project = (await keyturn.createProject('default')).id
    const { key } = await keyturn.createKey(project, { expires_in: 100 * 86_400 })
    const policy = { default_lifetime: 50 * 86_400, max_lifetime: 50 * 86_400 }
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy } })
    expect((await extend(key.id, { expires_in: 101 * 86_400 })).body.code).toBe('max_lifetime_exceeded')
    expect((await extend(key.id, { expires_at: key.expires_at })).status).toBe(200)
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.expires_at).toBe(key.expires_at)
  })

  it('works on a disabled key, which stays disabled', async () => {
    const { key, secret } = await keyturn.createKey('default')
    await keyturn.request('POST', `/v1/keys/${key.id}/disable`)
    const { body } = await extend(key.id, { expires_at: later(key.expires_at, day) })
    expect(body.key).toMatchObject({ status: 'disabled', expires_at: later(key.expires_at, day) })
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'DISABLED' })
  })

  it('brings no expired key back to life', async () => {
    const { key, secret } = await keyturn.createKey('default', { expires_in: 3600 })
    keyturn.clock.advance(3_600_000)
    const refused = await extend(key.id, { expires_in: 86_400 })
    expect([refused.status, refused.body]).toMatchObject([409, { code: 'no_live_secret', slot: 'primary' }])
    expect(await keyturn.verify(secret.value)).toMatchObject({ code: 'EXPIRED' })
  })

  it('has nothing to do with keys that never expire, the legacy key among them', async () => {
    await keyturn.request('PATCH', '/v1/organizations/default', { body: { policy: { allow_never_expires: true } } })
    const { key } = await keyturn.createKey('default', { never_expires: true })
    expect((await extend(key.id, { expires_in: 86_400 })).body.code).toBe('would_shorten')
    const { body } = await keyturn.request('GET', '/v1/projects/default/keys?kind=publishable')
    expect((await extend(body.data[0].id, { expires_in: 86_400 })).body.code).toBe('legacy_key_never_expires')
  })

  it('of two at once, one wins and the other is told; it never comes to an earlier date than one that was answered', async () => {
    const { key } = await keyturn.createKey('default', { expires_in: 86_400 })
    const dates = [1, 2, 3, 4, 5, 6].map((days) => later(key.expires_at, days * day))
    const answers = await Promise.all(dates.map((expires_at) => extend(key.id, { expires_at })))
    const won: string[] = answers.filter(({ status }) => status === 200).map(({ body }) => body.key.expires_at)
    expect(won.length).toBeGreaterThan(0)
    for (const { status, body } of answers)
      if (status !== 200) expect(['would_shorten', 'key_changed']).toContain(body.code)
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.expires_at).toBe(won.toSorted().at(-1))
  })

  it('moves the one of two secrets that was asked for, and the key shows both ends', async () => {
    const { key, secret } = await keyturn.createKey('default', { expires_in: 20 * 86_400 })
    const end = later(key.created_at, 40 * day)
    await sql`insert into secrets (id, key_id, organization_id, slot, digest, hint, created_at, expires_at)
      select 'sec_zz_' || substr(id, 5), key_id, organization_id, 'secondary', sha256(digest), hint, created_at, ${end}::timestamptz
      from secrets where id = ${secret.id}`.execute(keyturn.database.reader)
    await sql`update keys set last_end_at = ${end}::timestamptz where id = ${key.id}`.execute(keyturn.database.reader)
    const primary = later(key.created_at, 30 * day)
    expect((await extend(key.id, { expires_at: primary, slot: 'primary' })).body.key).toMatchObject({
      rotating: true,
      next_expiry_at: primary,
      expires_at: end,
    })
    const secondary = later(key.created_at, 50 * day)
    expect((await extend(key.id, { expires_at: secondary, slot: 'secondary' })).body.key).toMatchObject({
      next_expiry_at: primary,
      expires_at: secondary,
    })
    const beyond = later(key.created_at, 60 * day)
    expect((await extend(key.id, { expires_at: beyond })).body.key).toMatchObject({
      next_expiry_at: secondary,
      expires_at: beyond,
    })
  })

  it('of a slot that is empty says so', async () => {
    const { key } = await keyturn.createKey('default')
    const { body } = await extend(key.id, { expires_in: 500 * 86_400, slot: 'secondary' })
    expect(body).toMatchObject({ code: 'no_live_secret', slot: 'secondary' })
  })
})
