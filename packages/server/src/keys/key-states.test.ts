import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { formatTime } from '../kernel/instant.ts'

const hour = 3_600_000
const day = 24 * hour
const maxLifetime = 730 * day

/** A key as the design has it (section 3), and nothing else. */
interface ModelKey {
  readonly id: string
  readonly value: string
  readonly legacy: boolean
  readonly createdAt: number
  state: 'active' | 'disabled' | 'revoked' | 'deleted'
  end: number
}

type Operation =
  | { readonly type: 'create'; readonly kind: 'secret' | 'publishable'; readonly hours: number }
  | { readonly type: 'disable' | 'enable' | 'revoke' | 'delete'; readonly key: number }
  | { readonly type: 'extend'; readonly key: number; readonly hours: number }
  | { readonly type: 'access'; readonly of: 'organization' | 'project'; readonly on: boolean }
  | { readonly type: 'limit'; readonly limit: number | null }
  | { readonly type: 'wait'; readonly hours: number }

const someHours = fc.oneof(fc.integer({ min: 1, max: 72 }), fc.integer({ min: 1, max: 1000 * 24 }))
const someKey = fc.nat(20)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('create' as const),
      kind: fc.constantFrom('secret', 'publishable'),
      hours: someHours,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom('disable', 'disable', 'enable', 'enable', 'revoke', 'delete'),
      key: someKey,
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('extend' as const), key: someKey, hours: someHours }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('access' as const),
      of: fc.constantFrom('organization', 'project'),
      on: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('limit' as const), limit: fc.option(fc.integer({ min: 1, max: 6 })) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 60 * 24 }) }),
  },
)

/** What Keyturn should be, in the fewest words. Every step says which status the real one answers with. */
class Model {
  readonly keys: ModelKey[] = []
  readonly events: string[] = []
  readonly access = { organization: true, project: true }
  limit = 50

  active(now: number): number {
    return this.keys.filter((key) => (key.state === 'active' || key.state === 'disabled') && key.end > now).length
  }

  status(key: ModelKey, now: number): string {
    return key.state === 'active' && key.end <= now ? 'expired' : key.state
  }

  verdict(key: ModelKey, now: number): string {
    if (key.state === 'deleted') return 'NOT_FOUND'
    if (key.state !== 'active') return key.state.toUpperCase()
    if (key.end <= now) return 'EXPIRED'
    return this.access.organization && this.access.project ? 'VALID' : 'API_ACCESS_DISABLED'
  }

  move(key: ModelKey, to: 'disable' | 'enable' | 'revoke' | 'delete'): number {
    if (key.state === 'deleted') return 404
    if (key.legacy && to !== 'enable') return 409
    if (key.state === 'revoked' && (to === 'disable' || to === 'enable')) return 409
    const state = ({ disable: 'disabled', enable: 'active', revoke: 'revoked', delete: 'deleted' } as const)[to]
    if (key.state !== state) this.events.push(`key.${state === 'active' ? 'enabled' : state}`)
    key.state = state
    return to === 'delete' ? 204 : 200
  }

  extend(key: ModelKey, end: number, now: number): number {
    if (key.state === 'deleted') return 404
    if (key.state === 'revoked' || key.legacy || key.end <= now || end < key.end) return 409
    if (end > key.createdAt + maxLifetime) return 422
    if (end > key.end) this.events.push('key.extended')
    key.end = end
    return 200
  }
}

describe.each(engines)('a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  it('is at every moment what the design says, after any operations in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 25, size: 'max' }), async (operations) => {
        const organization = await keyturn.createOrganization()
        const project = await keyturn.createProject(organization.id)
        const model = new Model()
        const { body } = await keyturn.request('GET', `/v1/projects/${project.id}/keys`)
        const [legacy] = body.data
        model.keys.push({
          id: legacy.id,
          value: legacy.secrets[0].value,
          legacy: true,
          createdAt: 0,
          state: 'active',
          end: Number.POSITIVE_INFINITY,
        })
        for (const one of operations) {
          const [expected, actual] = await perform(model, organization.id, project.id, one)
          expect([one, actual]).toEqual([one, expected])
          await compare(model, project.id)
        }
        await compareEvents(model, organization.id)
      }),
      { numRuns: 7 },
    )
  })

  /** @returns the status that the model expects, and the one that came */
  async function perform(model: Model, org: string, project: string, one: Operation): Promise<[number, number]> {
    const now = keyturn.clock.now()
    if (one.type === 'wait') {
      keyturn.clock.advance(one.hours * hour)
      return [0, 0]
    }
    if (one.type === 'access') {
      const path = one.of === 'organization' ? `/v1/organizations/${org}` : `/v1/projects/${project}`
      const { status } = await keyturn.request('PATCH', path, { body: { api_access: one.on } })
      if (model.access[one.of] !== one.on) model.events.push(`${one.of}.api_access_${one.on ? 'enabled' : 'disabled'}`)
      model.access[one.of] = one.on
      return [200, status]
    }
    if (one.type === 'limit') {
      const body = { policy: { max_active_keys: one.limit } }
      const { status } = await keyturn.request('PATCH', `/v1/projects/${project}`, { body })
      if (model.limit !== (one.limit ?? 50)) model.events.push('project.policy_changed')
      model.limit = one.limit ?? 50
      return [200, status]
    }
    if (one.type === 'create') {
      // Half an hour more: no end ever falls together with a step of the clock.
      const expires_in = one.hours * 3600 + 1800
      const answer = await keyturn.request('POST', `/v1/projects/${project}/keys`, {
        body: { name: `Integration ${model.keys.length}`, kind: one.kind, expires_in },
      })
      const isTooLong = expires_in * 1000 > maxLifetime
      const expected = isTooLong ? 422 : model.active(now) >= model.limit ? 409 : 201
      if (answer.status === 201) {
        const { key, secret } = answer.body
        const [createdAt, end] = [Date.parse(key.created_at), Date.parse(key.expires_at)]
        expect(end).toBe(createdAt + expires_in * 1000)
        model.keys.push({ id: key.id, value: secret.value, legacy: false, createdAt, state: 'active', end })
        model.events.push('key.created')
      }
      return [expected, answer.status]
    }
    const key = model.keys[one.key % model.keys.length]
    if (!key) throw new Error('a project always has its legacy key')
    if (one.type === 'delete') {
      const { status } = await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=DELETE`)
      return [model.move(key, one.type), status]
    }
    if (one.type === 'extend') {
      const end = Math.floor(now) + one.hours * hour + hour / 2
      const { status } = await keyturn.request('POST', `/v1/keys/${key.id}/extend`, {
        body: { expires_at: formatTime(end) },
      })
      return [model.extend(key, end, now), status]
    }
    const { status } = await keyturn.request('POST', `/v1/keys/${key.id}/${one.type}`)
    return [model.move(key, one.type), status]
  }

  async function compare(model: Model, project: string): Promise<void> {
    const path = `/v1/projects/${project}/keys?status=active,disabled,expired,revoked&limit=200&sort=created_at`
    const { body } = await keyturn.request('GET', path)
    const now = keyturn.clock.now()
    const seen = model.keys.filter((key) => key.state !== 'deleted')
    const shown = body.data.map((key: { id: string; status: string }) => `${key.id} ${key.status}`)
    expect(shown.sort()).toEqual(seen.map((key) => `${key.id} ${model.status(key, now)}`).sort())
    const count = (status: string) => seen.filter((key) => model.status(key, now) === status).length
    expect(body.counts).toEqual({
      active: count('active'),
      disabled: count('disabled'),
      expired: count('expired'),
      revoked: count('revoked'),
    })
    const verdicts = await Promise.all(
      model.keys.map(async (key) => (await keyturn.verify(key.value, { kinds: ['secret', 'publishable'] })).code),
    )
    expect(verdicts).toEqual(model.keys.map((key) => model.verdict(key, now)))
  }

  async function compareEvents(model: Model, org: string): Promise<void> {
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?limit=200`)
    const actions = body.data.map((event: { action: string }) => event.action).reverse()
    expect(actions).toEqual(['organization.created', 'project.created', 'key.created', ...model.events])
    const verification = await keyturn.request('GET', `/v1/organizations/${org}/audit-events/verification`)
    expect(verification.body).toMatchObject({ intact: true, events: actions.length })
  }
})
