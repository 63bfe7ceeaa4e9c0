import type { AuditEvent, Key } from '@keyturn/contract'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'

const hour = 3_600_000
const maxLifetime = 40 * 24 * hour
const maxOverlap = 20 * 24 * hour

const step = fc.oneof(
  fc.record({
    path: fc.constantFrom('rotate', 'secrets', 'promote', 'finish', 'cancel', 'extend', 'revoke'),
    hours: fc.integer({ min: 1, max: 1000 }),
    overlap: fc.integer({ min: 0, max: 500 }),
    slot: fc.constantFrom('primary', 'secondary'),
    force: fc.boolean(),
  }),
  fc.record({ path: fc.constant('advance'), hours: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ path: fc.constant('call'), hours: fc.constant(0) }),
)

interface Step {
  readonly path: string
  readonly hours: number
  readonly overlap?: number
  readonly slot?: string
  readonly force?: boolean
}

function bodyOf({ path, hours, overlap = 0, slot = 'primary', force = false }: Step): object {
  const expires_in = hours * 3600
  if (path === 'rotate') return { expires_in, overlap: overlap * 3600, force }
  if (path === 'secrets') return { expires_in }
  if (path === 'promote') return { overlap: overlap * 3600 }
  if (path === 'extend') return { expires_in, slot }
  return path === 'revoke' ? { slot } : { force }
}

type Told = Pick<Key['secrets'][number], 'id' | 'slot' | 'hint' | 'expires_at' | 'retires_at'> & {
  ended_at: string | null
  ended_by: 'revoke' | 'rotate' | null
}

/** The secrets of a key by its audit events alone. */
function replay(events: readonly AuditEvent[]): Map<string, Told> {
  const secrets = new Map<string, Told>()
  for (const { action, after } of events) {
    if (action === 'key.created') {
      const { secret: id, hint, expires_at } = after as { secret: string; hint: string; expires_at: string }
      secrets.set(id, { id, hint, expires_at, slot: 'primary', retires_at: null, ended_at: null, ended_by: null })
    }
    for (const told of (after as { secrets?: Told[] })?.secrets ?? []) secrets.set(told.id, told)
  }
  return secrets
}

function statusOf({ ended_at, ended_by, retires_at, expires_at }: Told, now: number): string {
  const time = (text: string | null) => (text === null ? Number.POSITIVE_INFINITY : Date.parse(text))
  const end = Math.min(time(ended_at), time(retires_at), time(expires_at))
  if (end > now) return 'live'
  if (time(ended_at) === end) return ended_by === 'revoke' ? 'revoked' : 'rotated'
  return time(retires_at) === end ? 'rotated' : 'expired'
}

describe.each(engines)('any sequence of operations and of time, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const policy = {
      max_active_keys: 10_000,
      max_lifetime: maxLifetime / 1000,
      default_lifetime: maxLifetime / 1000,
      max_overlap: maxOverlap / 1000,
    }
    const { id } = await keyturn.createOrganization()
    await keyturn.request('PATCH', `/v1/organizations/${id}`, { body: { policy } })
    project = (await keyturn.createProject(id)).id
  })
  afterAll(() => keyturn.stop())

  it(
    'leaves at most two live secrets, none beyond the policy, none alive again, and a history that tells it all',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps: Step[]) => {
          const { key, secret } = await keyturn.createKey(project, { expires_in: 300 * 3600 })
          const values = new Map([[secret.id, secret.value]])
          const ended = new Set<string>()
          for (const one of steps) {
            if (one.path === 'advance') keyturn.clock.advance(one.hours * hour + 1000)
            else if (one.path === 'call') await keyturn.verify([...values.values()].at(-1) ?? '')
            else {
              const { status, body } = await keyturn.request('POST', `/v1/keys/${key.id}/${one.path}`, {
                body: bodyOf(one),
              })
              expect([200, 201, 409, 422]).toContain(status)
              if (body.secret) values.set(body.secret.id, body.secret.value)
            }
            await check(key.id, values, ended)
          }
        }),
        { numRuns: 15 },
      ),
    120_000,
  )

  async function check(id: string, values: ReadonlyMap<string, string>, ended: Set<string>): Promise<void> {
    const shown: Key = (await keyturn.request('GET', `/v1/keys/${id}`)).body
    const live = shown.secrets.filter((secret) => secret.status === 'live')
    expect(live.length).toBeLessThanOrEqual(2)
    expect(new Set(live.map((secret) => secret.slot)).size).toBe(live.length)
    if (live.length === 1) expect(live[0]?.slot).toBe('primary')
    for (const secret of shown.secrets) {
      const createdAt = Date.parse(secret.created_at)
      expect(Date.parse(secret.expires_at ?? '')).toBeLessThanOrEqual(createdAt + maxLifetime)
      if (secret.status === 'live') expect(ended.has(secret.id)).toBe(false)
      else ended.add(secret.id)
      const { code } = await keyturn.verify(values.get(secret.id) ?? '')
      expect(code).toBe(secret.status === 'live' ? 'VALID' : secret.status.toUpperCase())
    }
    const events = await keyturn.request(
      'GET',
      `/v1/organizations/${shown.organization_id}/audit-events?key=${id}&limit=200`,
    )
    const told = replay(events.body.data.toReversed())
    const now = keyturn.clock.now()
    expect(
      shown.secrets
        .map(({ id: secretId, expires_at, retires_at, status }) => [secretId, expires_at, retires_at, status].join(' '))
        .sort(),
    ).toEqual(
      [...told.values()].map((one) => [one.id, one.expires_at, one.retires_at, statusOf(one, now)].join(' ')).sort(),
    )
  }
})
