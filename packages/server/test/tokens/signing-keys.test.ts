import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import type { Keyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'
import {
  createTokenKey,
  headerIn,
  openIssuer,
  openSigningKeys,
  readJwks,
  readStatus,
  verifyPlainly,
} from '../support/tokens.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const soon = { timeout: 10_000 }

describe.each(anEngine('PGlite'))('the keys that sign tokens, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openIssuer(engine)
  })
  afterAll(() => keyturn.stop())

  const list = async () => (await keyturn.request('GET', '/v1/signing-keys')).body.data
  const rotate = async (body: object = {}, headers: Record<string, string> = {}) =>
    keyturn.request('POST', '/v1/signing-keys/rotate', { body, headers })
  const published = async () => (await readJwks(keyturn)).keys.map(({ kid }) => kid)
  const events = async (action: string) =>
    (await keyturn.request('GET', `/v1/audit-events?action=${action}`)).body.data.map((event: any) => event.target.id)
  const newKid = async () => headerIn((await createTokenKey(keyturn)).secret.value).kid
  /** What a node keeps of the public keys it keeps for a second: until they are as they are to be. */
  const untilPublished = async (kids: readonly string[]) => {
    await expect.poll(published, soon).toEqual(kids)
  }

  it('are none until the first token is wanted, and one however many are wanted at once then', async () => {
    expect(await list()).toEqual([])
    const made = await Promise.all(Array.from({ length: 10 }, () => createTokenKey(keyturn)))
    const [first, ...others] = await list()
    expect(others).toEqual([])
    expect(new Set(made.map(({ secret }) => headerIn(secret.value).kid))).toEqual(new Set([first.id]))
    expect(first).toMatchObject({ status: 'signing', in_jwks: true, signs_until: null, withdrawn_at: null })
    expect(await events('signing_key.created')).toEqual([first.id])
    for (const { secret } of made) await verifyPlainly(keyturn, secret.value)
  })

  it('are kept sealed: neither a table, the log, an answer nor the trail has a private one', async () => {
    const seeds = (await openSigningKeys(keyturn)).map(({ seed }) => seed)
    expect(seeds.map((seed) => seed.length)).toEqual([32])
    const { rows } = await sql<{ text: string }>`select k::text as text from signing_keys k
      union all select body from audit_events`.execute(keyturn.database.reader)
    const answers = [await keyturn.request('GET', '/v1/signing-keys'), (await readJwks(keyturn)).answer]
    const all = [...rows.map(({ text }) => text), ...answers.map(({ text }) => text), ...keyturn.log].join('\n')
    for (const seed of seeds) {
      for (const form of ['hex', 'base64url', 'base64'] as const) expect(all).not.toContain(seed.toString(form))
      expect(all).not.toContain(Buffer.from(seed.toString('base64url')).toString('hex'))
    }
  })

  it('are published before they sign, sign after a quarter of an hour, and the former stays until its last token has ended', async () => {
    const [first] = await list()
    const { secret: old } = await createTokenKey(keyturn, { expires_in: 400 * 86_400 })
    const { body } = await rotate()
    const next = body.signing_key
    expect(next).toMatchObject({ status: 'published', in_jwks: true, last_token_ends_at: null })
    expect(Date.parse(next.signs_from) - Date.parse(next.created_at)).toBe(15 * minute)
    await untilPublished([first.id, next.id])
    expect(await newKid()).toBe(first.id)

    keyturn.clock.advance(15 * minute)
    const { secret: newer } = await createTokenKey(keyturn, { expires_in: 700 * 86_400 })
    expect(headerIn(newer.value).kid).toBe(next.id)
    const [retired, signing] = await list()
    expect(retired).toMatchObject({ status: 'retired', in_jwks: true, signs_until: next.signs_from })
    expect(signing).toMatchObject({ id: next.id, status: 'signing', last_token_ends_at: newer.expires_at })

    keyturn.clock.advance(399 * day)
    for (const { value } of [old, newer]) await verifyPlainly(keyturn, value)
    expect(retired.last_token_ends_at).toBe(old.expires_at)
    keyturn.clock.advance(Date.parse(old.expires_at ?? '') - keyturn.clock.now() + hour + 1000)
    await untilPublished([next.id])
    await verifyPlainly(keyturn, newer.value)
    expect((await list())[0]).toMatchObject({ id: first.id, status: 'retired', in_jwks: false })
  })

  it('sign status lists, too: a list of tokens under a former key is verified with the one of now', async () => {
    const { key, secret } = await createTokenKey(keyturn)
    await rotate()
    keyturn.clock.advance(16 * minute)
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    await expect.poll(() => readStatus(keyturn, secret.value), soon).toBe(1)
  })

  it('are withdrawn after a leak: at once no public key and no new token has them, verify goes on by the record', async () => {
    const before = await list()
    await rotate()
    const { secret } = await createTokenKey(keyturn)
    const { body } = await rotate({ withdraw: true })
    expect(body.signing_key).toMatchObject({ status: 'signing', in_jwks: true })
    await untilPublished([body.signing_key.id])
    expect(await newKid()).toBe(body.signing_key.id)
    await expect(verifyPlainly(keyturn, secret.value)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
    await expect.poll(() => readStatus(keyturn, secret.value), soon).toBe(0)
    const former = (await list()).slice(0, -1)
    expect(former).toHaveLength(before.length + 1)
    for (const one of former) expect(one).toMatchObject({ status: 'withdrawn', in_jwks: false })
    expect(new Set(await events('signing_key.withdrawn'))).toEqual(new Set(former.map(({ id }: any) => id)))
  })

  it('rotated at once by several are one more for each, and none is lost; repeated under one Idempotency-Key, one', async () => {
    const before = (await list()).length
    const answers = await Promise.all(Array.from({ length: 4 }, () => rotate()))
    expect(new Set(answers.map(({ body }) => body.signing_key.id)).size).toBe(4)
    const repeated = await Promise.all([1, 2].map(() => rotate({}, { 'idempotency-key': 'rotate-once' })))
    expect(new Set(repeated.map(({ body }) => body.signing_key.id)).size).toBe(1)
    expect(await list()).toHaveLength(before + 5)
  })

  it('are for the root key alone', async () => {
    const { secret } = await keyturn.createManagementKey('default', {
      scopes: ['keys:read', 'keys:write', 'policy:write'],
    })
    await expectNothingChanged(keyturn, async () => {
      for (const [method, path] of [
        ['GET', '/v1/signing-keys'],
        ['POST', '/v1/signing-keys/rotate'],
      ] as const) {
        const answer = await keyturn.request(method, path, { key: secret.value })
        expect(faultOf(answer, { status: 403, code: 'root_key_required' })).toBeNull()
        expect(faultOf(await keyturn.request(method, path, { key: null }), { status: 401 })).toBeNull()
      }
      const wrong = await rotate({ withdraw: 'yes' })
      expect(faultOf(wrong, { status: 400, code: 'invalid_request', path: 'withdraw' })).toBeNull()
    })
  })
})
