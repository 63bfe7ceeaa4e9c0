import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Publisher } from '../../src/signing/publisher.ts'
import { placesPerList } from '../../src/signing/status-list.ts'
import { anEngine, engines } from '../support/engines.ts'
import type { Keyturn } from '../support/keyturn.ts'
import { MovedClock } from '../support/moved-clock.ts'
import { faultOf } from '../support/problems.ts'
import { must } from '../support/rotation.ts'
import { claimsIn, createTokenKey, headerIn, openIssuer, readStatus, verifyPlainly } from '../support/tokens.ts'

const [valid, invalid, suspended] = [0, 1, 2]
const soon = { timeout: 10_000 }

describe.each(engines)('what a status list says of a token, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openIssuer(engine)
    project = (await keyturn.createProject('default')).id
  })
  afterAll(() => keyturn.stop())

  const make = (fields: object = {}) => createTokenKey(keyturn, fields, project)
  const act = (key: { id: string }, to: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${to}`, { body })
  /** A node keeps a list for a moment. */
  const expectStatus = async ({ value }: { value: string }, status: number | undefined) => {
    await expect.poll(() => readStatus(keyturn, value), soon).toBe(status)
  }
  const placeOf = ({ value }: { value: string }) => claimsIn(value).status.status_list
  const setAccess = (path: string, api_access: boolean) => keyturn.request('PATCH', path, { body: { api_access } })

  it('of a new one is that it is valid, by a token that says what it is about and until when it is good', async () => {
    const { secret } = await make()
    await expectStatus(secret, valid)
    const { uri } = placeOf(secret)
    const answer = await fetch(uri)
    expect(answer.headers.get('content-type')).toBe('application/statuslist+jwt')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=15')
    const token = await answer.text()
    expect(headerIn(token)).toMatchObject({ alg: 'EdDSA', typ: 'statuslist+jwt', kid: headerIn(secret.value).kid })
    const { payload } = await verifyPlainly(keyturn, token, 'statuslist+jwt')
    expect(payload).toEqual({
      iss: keyturn.url,
      sub: uri,
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 120,
      ttl: 60,
      status_list: { bits: 2, lst: expect.stringMatching(/^eN[\w-]+$/) },
    })
  })

  it('is no access token, and an access token is no list', async () => {
    const { secret } = await make()
    const list = await (await fetch(placeOf(secret).uri)).text()
    await expect(verifyPlainly(keyturn, list)).rejects.toMatchObject({ claim: 'typ' })
    await expect(verifyPlainly(keyturn, secret.value, 'statuslist+jwt')).rejects.toMatchObject({ claim: 'typ' })
  })

  it('follows the key: suspended while it is disabled, valid again, and revoked for ever', async () => {
    const { key, secret } = await make()
    await act(key, 'disable')
    await expectStatus(secret, suspended)
    await act(key, 'enable')
    await expectStatus(secret, valid)
    await act(key, 'revoke')
    await expectStatus(secret, invalid)
    const { key: another, secret: deleted } = await make()
    await keyturn.request('DELETE', `/v1/keys/${another.id}?confirm=DELETE`)
    await expectStatus(deleted, invalid)
    await expectStatus(secret, invalid)
  })

  it('is suspended while API access is off, for the project or the organization, but for what was revoked', async () => {
    const { secret } = await make()
    const { key, secret: revoked } = await make()
    await act(key, 'revoke')
    for (const path of [`/v1/projects/${project}`, '/v1/organizations/default']) {
      await setAccess(path, false)
      await expectStatus(secret, suspended)
      await expectStatus(revoked, invalid)
      await setAccess(path, true)
      await expectStatus(secret, valid)
    }
  })

  it('follows the secret through a rotation: both are valid while they overlap, and the old one ends with it, by itself or by hand', async () => {
    const { key, secret: first } = await make()
    const { secret: second } = await must(act(key, 'rotate', { overlap: 600 }))
    await expectStatus(second, valid)
    await expectStatus(first, valid)
    keyturn.clock.advance(600_000)
    // What the clock alone has done shows with the next change, or ten seconds later.
    await make()
    await expectStatus(first, invalid)
    await expectStatus(second, valid)
    const { secret: third } = await must(act(key, 'rotate'))
    await act(key, 'finish', { force: true })
    await expectStatus(second, invalid)
    await expectStatus(third, valid)
  })

  it('is revoked of what was staged and taken back, and of one secret alone', async () => {
    const { key, secret } = await make()
    const { secret: staged } = await must(act(key, 'secrets'))
    await act(key, 'cancel')
    await expectStatus(staged, invalid)
    const { secret: again } = await must(act(key, 'secrets'))
    await act(key, 'revoke', { slot: 'primary' })
    await expectStatus(secret, invalid)
    await expectStatus(again, valid)
  })

  it('stays so for whoever allows for a clock that is wrong, when the token has just ended', async () => {
    const { key, secret } = await make({ expires_in: 60 })
    await act(key, 'revoke')
    keyturn.clock.advance(120_000)
    await expectStatus(secret, invalid)
  })

  it('is the same from every node, whenever each has read it', async () => {
    const { key, secret } = await make()
    const listId = placeOf(secret).uri.split('/').at(-1) ?? ''
    const nodes = [1, 2].map(() => new Publisher(keyturn.ground, new MovedClock(), () => 0))
    const lists = () => Promise.all(nodes.map(async (node) => claimsIn(await node.statusList(listId)).status_list))
    const [one, other] = await lists()
    expect(one).toEqual(other)
    await act(key, 'revoke')
    // Neither has heard of it: what they keep is good for ten seconds at most, and says itself when it ends.
    expect(await lists()).toEqual([one, one])
  })

  it('is kept for ten seconds where nothing changes, for a quarter of a second where something does, and what failed not at all', async () => {
    const { key, secret } = await make()
    const listId = placeOf(secret).uri.split('/').at(-1) ?? ''
    const clock = new MovedClock()
    let generation = 0
    let broken = false
    const ground = {
      ...keyturn.ground,
      now: (reader: Parameters<typeof keyturn.ground.now>[0]) =>
        broken ? Promise.reject(new Error('the database is away')) : keyturn.ground.now(reader),
    }
    const publisher = new Publisher(ground, clock, () => generation)
    const first = await publisher.statusList(listId)
    await act(key, 'revoke')
    clock.pass(249)
    generation++
    expect(await publisher.statusList(listId)).toBe(first)
    clock.pass(1)
    const second = await publisher.statusList(listId)
    expect(claimsIn(second).status_list).not.toEqual(claimsIn(first).status_list)
    await act(key, 'rotate')
    clock.pass(9_999)
    expect(await publisher.statusList(listId)).toBe(second)
    clock.pass(1)
    broken = true
    await expect(publisher.statusList(listId)).rejects.toThrow('the database is away')
    broken = false
    expect(claimsIn(await publisher.statusList(listId)).sub).toBe(placeOf(secret).uri)
  })

  it.each([
    'stl_00000000000000000000000000',
    'nonsense',
    '..%2f..',
    '%00',
    'stl_%00',
    "'%20or%201=1",
    'x'.repeat(3000),
  ])('of a list that nobody was given (%#) is that there is none', async (id) => {
    const answer = await keyturn.request('GET', `/status-lists/${id}`, { key: null })
    expect(faultOf(answer, { status: 404 })).toBeNull()
  })

  it('cannot be written', async () => {
    const { secret } = await make()
    for (const path of [new URL(placeOf(secret).uri).pathname, '/.well-known/jwks.json']) {
      const answer = await keyturn.request('POST', path, { body: {} })
      expect(faultOf(answer, { status: 405, code: 'method_not_allowed' })).toBeNull()
    }
  })

  it('is said of one place for each token, however many are made at once', async () => {
    const many = await Promise.all(Array.from({ length: 30 }, () => make()))
    const places = many.map(({ secret }) => placeOf(secret))
    expect(new Set(places.map(({ uri, idx }) => `${uri} ${idx}`)).size).toBe(30)
  })
})

describe.each(anEngine('PGlite'))('a status list that is full, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openIssuer(engine)
  })
  afterAll(() => keyturn.stop())

  it('takes no further token, goes on to tell of its own, and is followed by another', async () => {
    const { key, secret } = await createTokenKey(keyturn)
    const { reader } = keyturn.database
    await sql`alter table tokens drop constraint tokens_secret_id_fkey`.execute(reader)
    await sql`insert into tokens (secret_id, signing_key_id, status_list_id, status_index, expires_at)
      select 'sec_' || place, k.id, l.id, place, now()
      from signing_keys k, status_lists l, generate_series(0, ${placesPerList - 1}::int) as place
      on conflict do nothing`.execute(reader)
    const { secret: another } = await createTokenKey(keyturn)
    const uris = [secret, another].map(({ value }) => claimsIn(value).status.status_list.uri)
    expect(new Set(uris).size).toBe(2)
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    await expect.poll(() => readStatus(keyturn, secret.value), soon).toBe(invalid)
    await expect.poll(() => readStatus(keyturn, another.value), soon).toBe(valid)
  })
})
