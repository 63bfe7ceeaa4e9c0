import type { Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { must, prepareKey, type Situation, situationOf } from '../../test/support/rotation.ts'
import { auditHeads } from '../../test/support/samples.ts'

const hour = 3_600_000
const day = 24 * hour
const lifetime = 100 * 86_400

interface Cell {
  readonly operation: string
  readonly path: string
  readonly body?: object
  /** Where a refusal is wanted its code; else the situation it leads to, and what is said of the old and the newer value. */
  readonly outcomes: Readonly<Record<Situation, string | readonly [Situation, string, string]>>
}

/** The table of the design, cell by cell. A newer value is the one that the situation had before the operation. */
const table: readonly Cell[] = [
  {
    operation: 'rotate',
    path: 'rotate',
    outcomes: {
      Z: ['A', 'EXPIRED', 'EXPIRED'],
      A: ['C', 'VALID', 'VALID'],
      B: 'secondary_staged',
      C: 'rotation_in_progress',
    },
  },
  {
    operation: 'rotate without an overlap',
    path: 'rotate',
    body: { overlap: 0 },
    outcomes: {
      Z: ['A', 'EXPIRED', 'EXPIRED'],
      A: ['A', 'ROTATED', 'ROTATED'],
      B: 'secondary_staged',
      C: 'rotation_in_progress',
    },
  },
  {
    operation: 'rotate with force',
    path: 'rotate',
    body: { force: true },
    outcomes: {
      Z: ['A', 'EXPIRED', 'EXPIRED'],
      A: ['C', 'VALID', 'VALID'],
      B: ['C', 'VALID', 'REVOKED'],
      C: ['C', 'ROTATED', 'VALID'],
    },
  },
  {
    operation: 'stage',
    path: 'secrets',
    outcomes: {
      Z: 'no_live_secret',
      A: ['B', 'VALID', 'VALID'],
      B: 'secondary_staged',
      C: 'rotation_in_progress',
    },
  },
  {
    operation: 'promote',
    path: 'promote',
    outcomes: { Z: 'no_live_secret', A: 'nothing_staged', B: ['C', 'VALID', 'VALID'], C: 'rotation_in_progress' },
  },
  {
    operation: 'promote without an overlap',
    path: 'promote',
    body: { overlap: 0 },
    outcomes: { Z: 'no_live_secret', A: 'nothing_staged', B: ['A', 'ROTATED', 'VALID'], C: 'rotation_in_progress' },
  },
  {
    operation: 'finish',
    path: 'finish',
    outcomes: {
      Z: 'no_live_secret',
      A: 'no_rotation_in_progress',
      B: 'secondary_staged',
      C: ['A', 'ROTATED', 'VALID'],
    },
  },
  {
    operation: 'cancel',
    path: 'cancel',
    outcomes: {
      Z: 'no_live_secret',
      A: 'no_rotation_in_progress',
      B: ['A', 'VALID', 'REVOKED'],
      C: ['A', 'VALID', 'REVOKED'],
    },
  },
  {
    operation: 'extend the primary',
    path: 'extend',
    body: { expires_in: 6 * lifetime },
    outcomes: {
      Z: 'no_live_secret',
      A: ['A', 'VALID', 'VALID'],
      B: ['B', 'VALID', 'VALID'],
      C: ['C', 'VALID', 'VALID'],
    },
  },
  {
    operation: 'extend the secondary',
    path: 'extend',
    body: { expires_in: 8 * 86_400, slot: 'secondary' },
    outcomes: { Z: 'no_live_secret', A: 'no_live_secret', B: 'would_shorten', C: ['C', 'VALID', 'VALID'] },
  },
  {
    operation: 'revoke the primary',
    path: 'revoke',
    body: { slot: 'primary', reason: 'leaked' },
    outcomes: {
      Z: 'no_live_secret',
      A: 'last_live_secret',
      B: ['A', 'REVOKED', 'VALID'],
      C: ['A', 'VALID', 'REVOKED'],
    },
  },
  {
    operation: 'revoke the secondary',
    path: 'revoke',
    body: { slot: 'secondary', reason: 'leaked' },
    outcomes: {
      Z: 'no_live_secret',
      A: 'no_live_secret',
      B: ['A', 'VALID', 'REVOKED'],
      C: ['A', 'REVOKED', 'VALID'],
    },
  },
]

describe.each(engines)('operations on secrets, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const organization = await keyturn.createOrganization({ slug: 'globex' })
    await keyturn.request('PATCH', '/v1/organizations/globex', { body: { policy: { max_active_keys: 1000 } } })
    project = (await keyturn.createProject(organization.id)).id
  })
  afterAll(() => keyturn.stop())

  const act = (key: Pick<Key, 'id'>, operation: string, body?: object) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${operation}`, { ...(body && { body }) })
  const read = async (key: Pick<Key, 'id'>): Promise<Key> => (await keyturn.request('GET', `/v1/keys/${key.id}`)).body
  const codeOf = async (value: string) => (await keyturn.verify(value)).code
  const make = (fields: object = {}) => keyturn.createKey(project, { expires_in: lifetime, ...fields })
  const secretIn = (key: Key, slot: string) =>
    key.secrets.find((secret) => secret.status === 'live' && secret.slot === slot)

  const prepare = (situation: Situation) => prepareKey(keyturn, project, situation)

  describe.each(table)('$operation', ({ path, body, outcomes }) => {
    it.each(Object.entries(outcomes) as [Situation, Cell['outcomes'][Situation]][])(
      'from %s',
      async (from, outcome) => {
        const { key, old, newer } = await prepare(from)
        expect(situationOf(key)).toBe(from)
        const heads = await auditHeads(keyturn)
        const answer = await act(key, path, body)
        if (typeof outcome === 'string') {
          expect([answer.status, answer.body.code]).toEqual([409, outcome])
          expect(await read(key)).toEqual(key)
          expect(await auditHeads(keyturn)).toEqual(heads)
          return
        }
        const [to, ofOld, ofNewer] = outcome
        expect(answer.status).toBe(path === 'secrets' ? 201 : 200)
        const after: Key = answer.body.key
        expect(after).toEqual(await read(key))
        expect(situationOf(after)).toBe(to)
        expect(after).toMatchObject({ id: key.id, rotating: to === 'B' || to === 'C', status: 'active' })
        expect([await codeOf(old.value), await codeOf(newer.value)]).toEqual([ofOld, ofNewer])
        if (answer.body.secret) expect(await codeOf(answer.body.secret.value)).toBe('VALID')
        expect(secretIn(after, 'primary')).toBeDefined()
        expect(await auditHeads(keyturn)).not.toEqual(heads)
      },
    )
  })

  it('keeps the id and all that is said of the key, and shows both secrets with their ends', async () => {
    const { key, secret } = await make({ scopes: ['orders:read'], owner: 'ada@example.com' })
    const rotated = await must(act(key, 'rotate', { overlap: 3600, expires_in: lifetime }))
    expect(rotated.key).toMatchObject({ id: key.id, scopes: ['orders:read'], owner: 'ada@example.com', rotating: true })
    const [primary, secondary] = [secretIn(rotated.key, 'primary'), secretIn(rotated.key, 'secondary')]
    expect(primary).toMatchObject({ id: rotated.secret.id, staged: false, retires_at: null })
    expect(secondary).toMatchObject({ id: secret.id, expires_at: key.expires_at, value: null })
    expect(rotated.key.next_expiry_at).toBe(secondary?.retires_at)
    expect(rotated.key.expires_at).toBe(primary?.expires_at)
  })

  it('lets the old one end by the clock, as ROTATED, with no job having to run', async () => {
    const { key, secret } = await make()
    const rotated = await must(act(key, 'rotate', { overlap: 3600 }))
    keyturn.clock.advance(hour - 5000)
    expect(await codeOf(secret.value)).toBe('VALID')
    keyturn.clock.advance(6000)
    expect([await codeOf(secret.value), await codeOf(rotated.secret.value)]).toEqual(['ROTATED', 'VALID'])
    expect((await act(key, 'finish')).body.code).toBe('no_rotation_in_progress')
    expect((await must(act(key, 'rotate'))).key.rotating).toBe(true)
  })

  it('never lengthens a life by an overlap, and wants the new secret to outlive it', async () => {
    const { key, secret } = await make({ expires_in: 3600 })
    expect((await act(key, 'rotate', { expires_in: 1800 })).body).toMatchObject({
      status: 422,
      code: 'ends_before_overlap',
    })
    const rotated = await must(act(key, 'rotate'))
    expect(secretIn(rotated.key, 'secondary')?.retires_at).toBe(key.expires_at)
    keyturn.clock.advance(hour + 1000)
    expect(await codeOf(secret.value)).toBe('ROTATED')
  })

  it('takes an overlap up to the maximum of the policy, and lengthens one no further than that', async () => {
    const { key } = await make()
    expect((await act(key, 'rotate', { overlap: 2_592_001 })).body).toMatchObject({
      status: 422,
      code: 'overlap_too_long',
    })
    const rotated = await must(act(key, 'rotate', { overlap: 3600 }))
    const start = Date.parse(rotated.secret.created_at)
    const at = (distance: number) => ({ slot: 'secondary', expires_at: new Date(start + distance).toISOString() })
    expect((await act(key, 'extend', at(30 * day + 1))).body).toMatchObject({ status: 422, code: 'overlap_too_long' })
    expect((await act(key, 'extend', at(hour - 1))).body).toMatchObject({ status: 409, code: 'would_shorten' })
    const extended = await must(act(key, 'extend', at(30 * day)))
    expect(secretIn(extended.key, 'secondary')?.retires_at).toBe(at(30 * day).expires_at)
  })

  it('takes a rotation back as if it had never been: the old one lives as long as it was to', async () => {
    const { key, secret } = await make()
    await must(act(key, 'rotate', { overlap: 3600 }))
    const cancelled = await must(act(key, 'cancel'))
    expect(secretIn(cancelled.key, 'primary')).toMatchObject({ id: secret.id, retires_at: null })
    expect(cancelled.key).toMatchObject({ expires_at: key.expires_at, next_expiry_at: key.next_expiry_at })
    keyturn.clock.advance(2 * hour)
    expect(await codeOf(secret.value)).toBe('VALID')
  })

  it('leaves the old one with the end of its overlap where the newer one is revoked, until it is extended', async () => {
    const { key, secret } = await make()
    const rotated = await must(act(key, 'rotate', { overlap: 3600 }))
    const end = secretIn(rotated.key, 'secondary')?.retires_at
    const revoked = await must(act(key, 'revoke', { slot: 'primary' }))
    expect(secretIn(revoked.key, 'primary')).toMatchObject({ id: secret.id, retires_at: end })
    expect(revoked.key.next_expiry_at).toBe(end)
    const extended = await must(act(key, 'extend', { expires_in: 2 * lifetime }))
    expect(secretIn(extended.key, 'primary')).toMatchObject({ id: secret.id, retires_at: null })
  })

  it('wants force to end what is called', async () => {
    const { key, secret } = await make()
    const rotated = await must(act(key, 'rotate'))
    await codeOf(secret.value)
    expect((await act(key, 'finish')).body).toMatchObject({ code: 'secret_in_use', secret: secret.id })
    expect((await act(key, 'cancel')).status).toBe(200)
    const again = await must(act(key, 'rotate'))
    await codeOf(again.secret.value)
    keyturn.clock.advance(2 * hour)
    expect((await act(key, 'cancel')).body).toMatchObject({ code: 'secret_in_use', secret: again.secret.id })
    expect((await act(key, 'finish')).status).toBe(200)
    expect(await codeOf(rotated.secret.value)).toBe('REVOKED')
    const staged = await must(act(key, 'secrets'))
    await codeOf(staged.secret.value)
    expect((await act(key, 'cancel')).body.code).toBe('secret_in_use')
    expect((await act(key, 'cancel', { force: true })).status).toBe(200)
  })

  it('rotates the legacy key, which goes on without an end', async () => {
    const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?kind=publishable`)
    const legacy = body.data.find((key: Key) => key.legacy)
    expect((await act(legacy, 'rotate', { expires_in: 3600 })).body.code).toBe('legacy_key_never_expires')
    const rotated = await must(act(legacy, 'rotate'))
    expect(rotated.key).toMatchObject({ legacy: true, never_expires: true })
    const kinds = ['publishable']
    expect(await keyturn.verify(rotated.secret.value, { kinds })).toMatchObject({ code: 'VALID' })
  })

  it('counts an expired key against the limit again', async () => {
    const place = await keyturn.createProject('globex')
    const { key } = await keyturn.createKey(place.id, { expires_in: 1 })
    keyturn.clock.advance(2000)
    await keyturn.request('PATCH', `/v1/projects/${place.id}`, { body: { policy: { max_active_keys: 1 } } })
    expect((await act(key, 'rotate')).body).toMatchObject({ status: 409, code: 'active_key_limit_reached' })
    await keyturn.request('PATCH', `/v1/projects/${place.id}`, { body: { policy: { max_active_keys: 2 } } })
    expect((await act(key, 'rotate')).status).toBe(200)
  })

  it('finds the key by the hint of its new secret', async () => {
    const { key } = await make()
    const { secret } = await must(act(key, 'rotate'))
    const path = `/v1/projects/${project}/keys?q=${encodeURIComponent(secret.hint)}`
    expect((await keyturn.request('GET', path)).body.data.map((found: Key) => found.id)).toEqual([key.id])
  })

  it('changes nothing of a revoked key', async () => {
    const { key } = await make()
    await act(key, 'revoke')
    for (const path of ['rotate', 'secrets', 'promote', 'finish', 'cancel'])
      expect((await act(key, path)).body).toMatchObject({ status: 409, code: 'key_revoked' })
  })

  it('leaves a legacy key with a secret that does not end, whichever is revoked', async () => {
    const place = await keyturn.createProject('globex')
    const { body } = await keyturn.request('GET', `/v1/projects/${place.id}/keys?kind=publishable`)
    const [legacy] = body.data
    await must(act(legacy, 'rotate'))
    const { key } = await must(act(legacy, 'revoke', { slot: 'primary' }))
    expect(key).toMatchObject({ never_expires: true, rotating: false, next_expiry_at: null })
  })

  describe('by its holder', () => {
    const rotateSelf = (value: string) => keyturn.request('POST', '/v1/keys/self/rotate', { key: value, body: {} })
    const makeOwn = () => make({ scopes: ['self:rotate'] })

    it('wants the scope self:rotate, a secret value, and a key that works', async () => {
      const without = await make()
      expect((await rotateSelf(without.secret.value)).body).toMatchObject({ status: 403, code: 'insufficient_scope' })
      const { key, secret } = await makeOwn()
      await act(key, 'disable')
      expect((await rotateSelf(secret.value)).body).toMatchObject({ status: 401, code: 'invalid_token' })
      const publishable = await make({ kind: 'publishable', scopes: ['self:rotate'] })
      expect((await rotateSelf(publishable.secret.value)).body.code).toBe('publishable_key_refused')
    })

    it('gives a new secret, and another one to whoever lost that answer, until the new one is called', async () => {
      const { key, secret } = await makeOwn()
      const first = await must(rotateSelf(secret.value))
      expect(first.key).toMatchObject({
        id: key.id,
        last_action: { action: 'key.rotated', actor: { type: 'key_holder' } },
      })
      const deadline = secretIn(first.key, 'secondary')?.retires_at
      const second = await must(rotateSelf(secret.value))
      expect(secretIn(second.key, 'secondary')?.retires_at).toBe(deadline)
      expect([await codeOf(first.secret.value), await codeOf(second.secret.value)]).toEqual(['REVOKED', 'VALID'])
      for (const value of [secret.value, second.secret.value])
        expect((await rotateSelf(value)).body).toMatchObject({ status: 409, code: 'rotation_in_progress' })
    })

    it('is nothing for a secret that has ended, though its key lives on', async () => {
      const { key, secret } = await makeOwn()
      await must(act(key, 'rotate', { overlap: 0 }))
      const refused = await rotateSelf(secret.value)
      expect(refused.body).toMatchObject({ status: 401, code: 'invalid_token', verdict: { code: 'ROTATED' } })
    })

    it('has to wait while a secret is staged', async () => {
      const { key, secret } = await makeOwn()
      await must(act(key, 'secrets'))
      expect((await rotateSelf(secret.value)).body).toMatchObject({ status: 409, code: 'secondary_staged' })
    })
  })
})
