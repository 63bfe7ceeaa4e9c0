import type { Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { must, type PreparedKey, prepareKey, type Situation } from '../support/rotation.ts'

const hour = 3_600_000

/** Until when something stands in the way by itself: what ends then, or null. */
type Until = 'old ends' | 'newer ends' | 'an hour after the call' | null

interface Refusal {
  readonly from: Situation
  /** The operation, and who does it where that is not an administrator. */
  readonly path: string
  readonly body?: object
  /** Which of the two was called before. */
  readonly called?: 'old' | 'newer'
  readonly code: string
  /** What stands in the way. */
  readonly secret?: 'old' | 'newer'
  readonly until: Until
  readonly operations: readonly string[]
}

const staged = { code: 'secondary_staged', secret: 'newer', until: 'old ends' } as const
const rotating = { code: 'rotation_in_progress', secret: 'old', until: 'old ends' } as const
const without = { code: 'no_live_secret', until: null } as const

/** Every 409 of the table of operations. */
const refusals: readonly Refusal[] = [
  { from: 'B', path: 'rotate', ...staged, operations: ['promote', 'cancel', 'force'] },
  { from: 'C', path: 'rotate', ...rotating, operations: ['finish', 'cancel', 'force'] },
  { from: 'Z', path: 'secrets', ...without, operations: ['rotate'] },
  { from: 'B', path: 'secrets', ...staged, operations: ['promote', 'cancel'] },
  { from: 'C', path: 'secrets', ...rotating, operations: ['finish', 'cancel'] },
  { from: 'Z', path: 'promote', ...without, operations: ['rotate'] },
  { from: 'A', path: 'promote', code: 'nothing_staged', until: null, operations: ['stage', 'rotate'] },
  { from: 'C', path: 'promote', ...rotating, operations: ['finish', 'cancel'] },
  { from: 'Z', path: 'finish', ...without, operations: ['rotate'] },
  { from: 'A', path: 'finish', code: 'no_rotation_in_progress', until: null, operations: ['rotate', 'stage'] },
  { from: 'B', path: 'finish', ...staged, operations: ['promote', 'cancel'] },
  {
    from: 'C',
    path: 'finish',
    called: 'old',
    code: 'secret_in_use',
    secret: 'old',
    until: 'an hour after the call',
    operations: ['force'],
  },
  { from: 'Z', path: 'cancel', ...without, operations: ['rotate'] },
  { from: 'A', path: 'cancel', code: 'no_rotation_in_progress', until: null, operations: ['rotate', 'stage'] },
  {
    from: 'B',
    path: 'cancel',
    called: 'newer',
    code: 'secret_in_use',
    secret: 'newer',
    until: 'old ends',
    operations: ['promote', 'force'],
  },
  {
    from: 'C',
    path: 'cancel',
    called: 'newer',
    code: 'secret_in_use',
    secret: 'newer',
    until: 'old ends',
    operations: ['finish', 'force'],
  },
  { from: 'Z', path: 'extend', body: { expires_in: 60 }, ...without, operations: ['rotate'] },
  { from: 'Z', path: 'extend', body: { expires_in: 60, slot: 'secondary' }, ...without, operations: ['rotate'] },
  {
    from: 'A',
    path: 'extend',
    body: { expires_in: 60, slot: 'secondary' },
    ...without,
    operations: ['stage', 'rotate'],
  },
  {
    from: 'A',
    path: 'extend',
    body: { expires_in: 60 },
    code: 'would_shorten',
    secret: 'old',
    until: 'old ends',
    operations: ['rotate', 'revoke'],
  },
  {
    from: 'B',
    path: 'extend',
    body: { expires_in: 60 },
    code: 'would_shorten',
    secret: 'old',
    until: 'old ends',
    operations: ['revoke'],
  },
  {
    from: 'B',
    path: 'extend',
    body: { expires_in: 60, slot: 'secondary' },
    code: 'would_shorten',
    secret: 'newer',
    until: 'newer ends',
    operations: ['cancel', 'revoke'],
  },
  {
    from: 'C',
    path: 'extend',
    body: { expires_in: 60, slot: 'secondary' },
    code: 'would_shorten',
    secret: 'old',
    until: 'old ends',
    operations: ['finish', 'revoke'],
  },
  {
    from: 'C',
    path: 'extend',
    body: { expires_in: 60 },
    code: 'would_shorten',
    secret: 'newer',
    until: 'newer ends',
    operations: ['revoke'],
  },
  { from: 'Z', path: 'revoke', body: { slot: 'primary' }, ...without, operations: ['rotate'] },
  { from: 'Z', path: 'revoke', body: { slot: 'secondary' }, ...without, operations: ['rotate'] },
  {
    from: 'A',
    path: 'revoke',
    body: { slot: 'primary' },
    code: 'last_live_secret',
    secret: 'old',
    until: 'old ends',
    operations: ['rotate', 'revoke'],
  },
  { from: 'A', path: 'revoke', body: { slot: 'secondary' }, ...without, operations: ['stage', 'rotate'] },
  { from: 'B', path: 'self/rotate by old', ...staged, operations: ['promote', 'cancel'] },
  { from: 'C', path: 'self/rotate by newer', ...rotating, operations: ['finish', 'cancel'] },
  { from: 'C', path: 'self/rotate by old', called: 'newer', ...rotating, operations: ['finish', 'cancel'] },
]

describe.each(anEngine('PGlite'))(
  'a refused operation says what stands in the way, until when, and what would help, on $name',
  (engine) => {
    let keyturn: Keyturn
    let project: string
    beforeAll(async () => {
      keyturn = await openKeyturn(engine)
      const { id } = await keyturn.createOrganization()
      await keyturn.request('PATCH', `/v1/organizations/${id}`, { body: { policy: { max_active_keys: 1000 } } })
      project = (await keyturn.createProject(id)).id
    })
    afterAll(() => keyturn.stop())

    const act = ({ key, old, newer }: PreparedKey, path: string, body: object = {}) => {
      const [operation, by] = path.split(' by ')
      if (by === undefined) return keyturn.request('POST', `/v1/keys/${key.id}/${path}`, { body })
      return keyturn.request('POST', `/v1/keys/${operation}`, { body, key: by === 'old' ? old.value : newer.value })
    }
    const shown = async ({ key }: PreparedKey): Promise<Key> =>
      (await keyturn.request('GET', `/v1/keys/${key.id}`)).body

    /** As the key shows it. */
    async function timeOf(until: Until, prepared: PreparedKey): Promise<string | null> {
      if (until === null) return null
      const { secrets } = await shown(prepared)
      const of = (id: string) => secrets.find((secret) => secret.id === id)
      if (until === 'an hour after the call')
        return new Date(Date.parse(of(prepared.old.id)?.last_used_at ?? '') + hour).toISOString()
      const secret = of(until === 'old ends' ? prepared.old.id : prepared.newer.id)
      return secret?.retires_at ?? secret?.expires_at ?? null
    }

    it.each(refusals)('$path from $from: $code', async ({ from, path, body, called, ...refusal }) => {
      const prepared = await prepareKey(keyturn, project, from, { scopes: ['self:rotate'] })
      if (called) expect((await keyturn.verify(prepared[called].value)).code).toBe('VALID')
      const answer = await act(prepared, path, body)
      expect(faultOf(answer, { status: 409, code: refusal.code })).toBeNull()
      const { code, secret, until, operations, detail } = answer.body
      const wanted = {
        ...refusal,
        secret: refusal.secret && prepared[refusal.secret].id,
        until: await timeOf(refusal.until, prepared),
      }
      expect({ code, secret, until, operations }).toEqual(wanted)
      if (wanted.secret && refusal.code !== 'would_shorten') expect(detail).toContain(wanted.secret)
      if (wanted.until !== null) expect(detail).toContain(wanted.until)
      for (const operation of wanted.operations) expect(detail.toLowerCase()).toContain(operation)
    })

    it.each(refusals.filter(({ until }) => until === 'old ends' || until === 'an hour after the call'))(
      '$path from $from stands until that time: $code',
      async ({ from, path, body, called, code }) => {
        const prepared = await prepareKey(keyturn, project, from, { scopes: ['self:rotate'] })
        if (called) await keyturn.verify(prepared[called].value)
        const { until, secret } = (await act(prepared, path, body)).body
        keyturn.clock.advance(Date.parse(until) - keyturn.clock.now())
        expect((await act(prepared, path, body)).body).not.toMatchObject({ code, secret })
      },
    )

    it('says of a revoked key that there is nothing to wait for, and of a full project what makes room', async () => {
      const prepared = await prepareKey(keyturn, project, 'A')
      await must(act(prepared, 'revoke'))
      for (const path of ['rotate', 'secrets', 'promote', 'finish', 'cancel'])
        expect((await act(prepared, path)).body).toMatchObject({
          status: 409,
          code: 'key_revoked',
          until: null,
          operations: ['create'],
        })
      const full = await keyturn.createProject('default')
      const ended = await prepareKey(keyturn, full.id, 'Z')
      await keyturn.request('PATCH', `/v1/projects/${full.id}`, { body: { policy: { max_active_keys: 1 } } })
      expect((await act(ended, 'rotate')).body).toMatchObject({
        status: 409,
        code: 'active_key_limit_reached',
        limit: 1,
        active: 1,
        until: null,
        operations: ['revoke'],
      })
    })

    it('says of a legacy key that it may only be rotated', async () => {
      const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?kind=publishable`)
      const legacy = body.data.find((key: Key) => key.legacy)
      for (const path of ['extend', 'rotate']) {
        const answer = await keyturn.request('POST', `/v1/keys/${legacy.id}/${path}`, { body: { expires_in: 60 } })
        expect(faultOf(answer, { status: 409, code: 'legacy_key_never_expires' })).toBeNull()
        expect(answer.body).toMatchObject({ until: null, operations: ['rotate'] })
      }
      const last = await keyturn.request('POST', `/v1/keys/${legacy.id}/revoke`, { body: { slot: 'primary' } })
      expect(faultOf(last, { status: 409, code: 'last_live_secret' })).toBeNull()
      expect(last.body).toMatchObject({ until: null, operations: ['rotate'] })
      expect(last.body.detail).not.toContain('revoke')
    })
  },
)
