import type { AuditEvent, Key } from '@keyturn/contract'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectTold } from '../../test/support/audit-replay.ts'
import { engines } from '../../test/support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { type Situation, situationOf } from '../../test/support/rotation.ts'

const hour = 3_600_000
const day = 86_400

/** Seconds. */
interface Rules {
  readonly max_lifetime: number | null
  readonly default_lifetime: number
  readonly max_overlap: number
  readonly default_overlap: number
  readonly allow_never_expires?: boolean
}

const policies = {
  usual: { max_lifetime: 40 * day, default_lifetime: 30 * day, max_overlap: 5 * day, default_overlap: 2 * day },
  'without overlaps': { max_lifetime: 40 * day, default_lifetime: 40 * day, max_overlap: 0, default_overlap: 0 },
  'without a maximum': {
    max_lifetime: null,
    allow_never_expires: true,
    default_lifetime: 30 * day,
    max_overlap: 20 * day,
    default_overlap: 2 * day,
  },
} as const satisfies Record<string, Rules>

const paths = ['rotate', 'secrets', 'promote', 'finish', 'cancel', 'extend', 'revoke'] as const
// Below and above what the policies allow, and about as much.
const anyLength = fc.oneof(
  fc.integer({ min: 1, max: 240 }),
  fc.integer({ min: 1, max: 1000 }),
  fc.integer({ min: 900, max: 970 }),
)
const hours = fc.option(anyLength, { nil: undefined })
const passing = fc.oneof(fc.integer({ min: 1, max: 48 }), anyLength)
const operation = (path: fc.Arbitrary<string>) =>
  fc.record({
    path,
    hours,
    overlap: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom(undefined, 0) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 240 }) },
    ),
    slot: fc.constantFrom('primary', 'secondary'),
    force: fc.boolean(),
    which: fc.nat(29),
  })
const step = fc.oneof(
  { weight: 8, arbitrary: operation(fc.constant('allowed')) },
  { weight: 4, arbitrary: operation(fc.constantFrom(...paths)) },
  { weight: 3, arbitrary: fc.record({ path: fc.constant('advance'), hours: passing }) },
  // With any value that there ever was.
  { weight: 2, arbitrary: fc.record({ path: fc.constantFrom('call', 'self'), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ path: fc.constantFrom('disable', 'enable', 'enable', 'link', 'claim') }) },
  { weight: 1, arbitrary: fc.record({ path: fc.constantFrom('enable', 'enable', 'revoke the key') }) },
)

/** What a sequence goes on with, most of the time: one of refusals alone tells little. */
const allowed = {
  Z: ['rotate', 'hand over'],
  A: ['rotate', 'secrets', 'hand over', 'extend', 'self'],
  B: ['promote', 'promote', 'cancel', 'extend', 'revoke'],
  C: ['finish', 'cancel', 'extend', 'lengthen the overlap', 'lengthen the overlap', 'revoke', 'self'],
} as const satisfies Record<Situation, readonly string[]>

interface Step {
  readonly path: string
  readonly hours?: number | undefined
  readonly overlap?: number | undefined
  readonly slot?: string
  readonly force?: boolean
  readonly which?: number
}

const sequence: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 14 })

interface Place {
  readonly policy: keyof typeof policies
  readonly birth: string
}

const usual: Place = { policy: 'usual', birth: 'expires' }
/** Just beyond what a policy allows, and what a random sequence seldom comes to. */
const corners: [Place, Step[]][] = [
  [
    usual,
    [
      { path: 'rotate', overlap: 24 },
      { path: 'lengthen the overlap', overlap: 121 },
    ],
  ],
  [
    usual,
    [
      { path: 'advance', hours: 100 },
      { path: 'extend', hours: 900, slot: 'primary' },
    ],
  ],
  [
    usual,
    [
      { path: 'rotate', overlap: 24 },
      { path: 'revoke', slot: 'primary' },
      { path: 'extend', hours: 120, slot: 'primary' },
      { path: 'rotate', overlap: 100 },
      { path: 'lengthen the overlap', overlap: 121 },
      { path: 'cancel' },
    ],
  ],
]

const inSeconds = (hoursLong: number | undefined) => hoursLong && hoursLong * 3600

function bodyOf({ path, slot, force, ...times }: Step): object {
  const expires_in = inSeconds(times.hours)
  if (path === 'rotate') return { expires_in, overlap: inSeconds(times.overlap), force }
  if (path === 'secrets') return { expires_in }
  if (path === 'promote') return { overlap: inSeconds(times.overlap) }
  if (path === 'extend') return { expires_in: expires_in ?? 3600, slot }
  return path === 'revoke' ? { slot } : { force }
}

/** One key under one policy, and all that is known of it from outside. */
class Subject {
  readonly values = new Map<string, string>()
  readonly ended = new Set<string>()
  readonly tokens: string[] = []
  readonly id: string
  readonly legacy: boolean
  readonly rules: Rules
  readonly #keyturn: Keyturn

  constructor(keyturn: Keyturn, key: Key, value: string, rules: Rules) {
    this.#keyturn = keyturn
    this.id = key.id
    this.legacy = key.legacy
    this.rules = rules
    this.values.set(String(key.secrets[0]?.id), value)
  }

  read = async (): Promise<Key> => (await this.#keyturn.request('GET', `/v1/keys/${this.id}`)).body

  verify = (value: string) => this.#keyturn.verify(value, { kinds: ['secret', 'publishable'] })

  async take(step: Step): Promise<void> {
    const one = step.path === 'allowed' ? await this.#choose(step) : step
    if (one.path === 'advance') return this.#keyturn.clock.advance((one.hours ?? 0) * hour + 1000)
    const value = [...this.values.values()].at((one.which ?? 0) % this.values.size) ?? ''
    if (one.path === 'call') return void (await this.verify(value))
    if (one.path === 'hand over') await this.take({ path: 'link' })
    if (one.path === 'claim' || one.path === 'hand over') return this.#claim()
    const answer = await this.#ask(one, value)
    expect([200, 201, 401, 403, 409, 422], answer.text).toContain(answer.status)
    if (answer.status >= 300) return
    if (answer.body.secret) this.values.set(answer.body.secret.id, answer.body.secret.value)
    if (answer.body.url) this.tokens.push(answer.body.url.split('/').at(-1))
  }

  async #choose(step: Step): Promise<Step> {
    const choices = allowed[situationOf(await this.read())]
    return { ...step, path: choices[(step.which ?? 0) % choices.length] ?? 'call' }
  }

  #ask(one: Step, value: string): Promise<Answer> {
    const ask = (path: string, body = {}) => this.#keyturn.request('POST', `/v1/keys/${this.id}/${path}`, { body })
    if (one.path === 'self') return this.#keyturn.request('POST', '/v1/keys/self/rotate', { key: value, body: {} })
    if (one.path === 'link') return ask('claim-links')
    if (one.path === 'revoke the key') return ask('revoke')
    if (one.path === 'disable' || one.path === 'enable') return ask(one.path)
    if (one.path === 'lengthen the overlap')
      return ask('extend', { slot: 'secondary', expires_in: inSeconds(one.overlap) || 3600 })
    return ask(one.path, bodyOf(one))
  }

  async #claim(): Promise<void> {
    const { status, text } = await this.#keyturn.request('POST', `/claim/${this.tokens.at(-1)}`, {
      key: null,
      raw: 'confirm=yes',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([200, 404, 409, 410]).toContain(status)
    if (status !== 200) return
    const made = (await this.read()).secrets.find(({ id }) => !this.values.has(id))
    this.values.set(String(made?.id), String(/id="secret">(kt_live_\w+)</.exec(text)?.[1]))
  }

  async check(): Promise<void> {
    const key = await this.read()
    this.#checkSlots(key)
    for (const secret of key.secrets) {
      if (secret.status === 'live') expect(this.ended).not.toContain(secret.id)
      else this.ended.add(secret.id)
      const { code } = await this.verify(this.values.get(secret.id) ?? '')
      const ofSecret = secret.status === 'live' ? 'VALID' : secret.status.toUpperCase()
      expect(code).toBe(key.status === 'revoked' || key.status === 'disabled' ? key.status.toUpperCase() : ofSecret)
      this.#checkLife(secret)
    }
    this.#checkOverlaps(await expectTold(this.#keyturn, key))
  }

  #checkSlots(key: Key): void {
    const live = key.secrets.filter((secret) => secret.status === 'live')
    expect(live.length).toBeLessThanOrEqual(2)
    expect(new Set(live.map((secret) => secret.slot)).size).toBe(live.length)
    if (live.length === 1) expect(live[0]?.slot).toBe('primary')
    if (this.legacy) expect(key).toMatchObject({ status: 'active', never_expires: true })
  }

  #checkLife({ created_at, expires_at }: Key['secrets'][number]): void {
    const { max_lifetime, allow_never_expires } = this.rules
    if (expires_at === null) expect(this.legacy || allow_never_expires).toBe(true)
    else if (max_lifetime !== null)
      expect(Date.parse(expires_at)).toBeLessThanOrEqual(Date.parse(created_at) + 1000 * max_lifetime)
  }

  /** From the event that began it. */
  #checkOverlaps(events: readonly AuditEvent[]): void {
    const begun = new Map<string, number>()
    for (const { at, after } of events) {
      for (const secret of (after as { secrets?: Key['secrets'] } | null)?.secrets ?? []) {
        // One that is alone again, since the newer one was revoked, retires for nobody: it may be extended to its own end.
        if (secret.retires_at === null || secret.slot === 'primary') begun.delete(secret.id)
        else {
          const start = begun.get(secret.id) ?? Date.parse(at)
          begun.set(secret.id, start)
          const latest = Math.min(start + 1000 * this.rules.max_overlap, Date.parse(secret.expires_at ?? '9999-12-31'))
          expect(Date.parse(secret.retires_at)).toBeLessThanOrEqual(latest)
        }
      }
    }
  }
}

describe.each(engines)('any sequence of operations and of time, on $name', (engine) => {
  let keyturn: Keyturn
  const organizations = new Map<keyof typeof policies, string>()
  const projects = new Map<keyof typeof policies, string>()
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    for (const name of Object.keys(policies) as (keyof typeof policies)[]) {
      const { id } = await keyturn.createOrganization()
      const body = { policy: { max_active_keys: 10_000, ...policies[name] } }
      expect((await keyturn.request('PATCH', `/v1/organizations/${id}`, { body })).status).toBe(200)
      organizations.set(name, id)
      projects.set(name, (await keyturn.createProject(id)).id)
    }
  })
  afterAll(() => keyturn.stop())

  const place: fc.Arbitrary<Place> = fc.record({
    policy: fc.constantFrom<(keyof typeof policies)[]>('usual', 'usual', 'without overlaps', 'without a maximum'),
    birth: fc.constantFrom('expires', 'expires', 'lasts', 'legacy'),
  })

  async function makeSubject({ policy, birth }: Place): Promise<Subject> {
    const rules = policies[policy]
    if (birth === 'legacy') {
      const { id } = await keyturn.createProject(organizations.get(policy) ?? '')
      const [key] = (await keyturn.request('GET', `/v1/projects/${id}/keys?kind=publishable`)).body.data
      return new Subject(keyturn, key, key.secrets[0].value, rules)
    }
    const end = birth === 'lasts' && rules.max_lifetime === null ? { never_expires: true } : { expires_in: 20 * day }
    const made = await keyturn.createKey(projects.get(policy) ?? '', { ...end, scopes: ['self:rotate'] })
    return new Subject(keyturn, { ...made.key, secrets: [made.secret] }, made.secret.value, rules)
  }

  it(
    'leaves at most two live secrets, none beyond the policy, none alive again, and a history that tells it all',
    () =>
      fc.assert(
        fc.asyncProperty(place, sequence, async (where, steps) => {
          const subject = await makeSubject(where)
          for (const one of steps) {
            await subject.take(one)
            await subject.check()
          }
        }),
        { numRuns: 30, examples: corners },
      ),
    120_000,
  )
})
