import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { never } from '../kernel/instant.ts'
import { normalise } from '../keys/slots.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'
import { type CallCount, summariseCalls } from '../usage/calls.ts'
import { describeCutOver, secretsOfCutOver } from './cut-over.ts'
import { planFinish } from './rules.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const now = Date.UTC(2027, 0, 31, 12, 30)

interface Told {
  /** Milliseconds ago. */
  readonly lastUsed?: number | null
  readonly from?: string
  readonly pause?: number | null
  readonly refusedLastHour?: number
}

const secret = (id: string, fields: Partial<SecretWithUse> = {}): SecretWithUse => ({
  id,
  keyId: 'key_1',
  slot: 'primary',
  hint: 'kt_live_aaaa…zzzz',
  value: null,
  createdAt: now - 300 * day,
  expiresAt: now + 100 * day,
  retiresAt: null,
  overlapStartedAt: null,
  endedAt: null,
  endedBy: null,
  lastUsedAt: null,
  lastRefused: null,
  ...fields,
})

const lastUsedAt = ({ lastUsed = null }: Told) => (lastUsed === null ? null : now - lastUsed)

function describeWith(secrets: readonly SecretWithUse[], told: Readonly<Record<string, Told>>) {
  const used = secrets.map((one) => ({ ...one, lastUsedAt: lastUsedAt(told[one.id] ?? {}) }))
  const slots = normalise(used, now)
  const callsOf = (id: string) => {
    const { from, pause = null, refusedLastHour = 0, lastUsed } = told[id] ?? {}
    const none = { lastHour: 0, lastDay: 0, last30Days: 0 }
    const at = used.find((one) => one.id === id)?.lastRefused?.at ?? now - (lastUsed ?? 0)
    return {
      passed: none,
      refused: { ...none, lastHour: refusedLastHour },
      longestPause: pause,
      seen: from === undefined ? [] : [{ address: from, at, userAgent: null }],
    }
  }
  return { slots, ...describeCutOver(slots, secretsOfCutOver(slots, used, now), callsOf, now) }
}

/** A rotation whose overlap ends in two days. */
const retiring = secret('old', { slot: 'secondary', retiresAt: now + 2 * day, overlapStartedAt: now - 5 * day })
const rotation = (old: Told, newer: Told = { lastUsed: minute }) =>
  describeWith([secret('new'), retiring], { old, new: newer })
const sentenceOf = ({ secrets }: ReturnType<typeof describeWith>, id: string) =>
  secrets.find((one) => one.secret.id === id)?.advice.sentence
const overlapEnd = '; the overlap ends at 2027-02-02T12:30:00.000Z'

describe('the cut-over of a rotation says in words', () => {
  it.each<[string, Told, Told, string]>([
    [
      'not_safe_to_finish',
      { lastUsed: 3 * minute + 5, from: '203.0.113.7' },
      { lastUsed: minute },
      'the old secret was last called 3 minutes ago from 203.0.113.7: not safe to finish',
    ],
    [
      'not_safe_to_finish',
      { lastUsed: hour - 1 },
      { lastUsed: minute },
      'the old secret was last called 59 minutes ago: not safe to finish',
    ],
    [
      'not_safe_to_finish',
      { lastUsed: 5 },
      { lastUsed: null },
      'the old secret was last called less than a minute ago: not safe to finish',
    ],
    [
      'not_safe_to_finish',
      { lastUsed: 9 * day, refusedLastHour: 1 },
      { lastUsed: minute },
      'the old secret is still called, though refused: not safe to finish',
    ],
    ['new_never_called', { lastUsed: hour }, { lastUsed: null }, 'no call with the new secret yet'],
    ['new_never_called', { lastUsed: null }, { lastUsed: null }, 'no call with the new secret yet'],
    [
      'may_be_periodic',
      { lastUsed: 6 * hour, pause: 31 * day },
      { lastUsed: minute },
      'unused for 6 hours, but its longest pause in 90 days was 31 days: it may be a monthly job',
    ],
    [
      'may_be_periodic',
      { lastUsed: 31 * day + 23 * hour, pause: 31 * day },
      { lastUsed: minute },
      'unused for 31 days, but its longest pause in 90 days was 31 days: it may be a monthly job',
    ],
    [
      'may_be_periodic',
      { lastUsed: 2 * day, pause: 7 * day },
      { lastUsed: minute },
      'unused for 2 days, but its longest pause in 90 days was 7 days: it may be a weekly job',
    ],
    [
      'may_be_periodic',
      { lastUsed: 20 * hour, pause: day },
      { lastUsed: minute },
      'unused for 20 hours, but its longest pause in 90 days was 24 hours: it may be a daily job',
    ],
    [
      'may_be_periodic',
      { lastUsed: 10 * day, pause: 88 * day },
      { lastUsed: minute },
      'unused for 10 days, but its longest pause in 90 days was 88 days: it may be a quarterly job',
    ],
    [
      'may_be_periodic',
      { lastUsed: 2 * hour, pause: 3 * hour },
      { lastUsed: minute },
      'unused for 2 hours, but its longest pause in 90 days was 3 hours: it may only be pausing',
    ],
    [
      'may_be_periodic',
      { lastUsed: 2 * hour, pause: null },
      { lastUsed: minute },
      'unused for 2 hours, and called within one hour only before: it may be a job that comes again',
    ],
    [
      'safe_to_finish',
      { lastUsed: 3 * day, pause: 2 * hour },
      { lastUsed: minute },
      'unused for 3 days, and its longest pause in 90 days was 2 hours: safe to finish',
    ],
    ['safe_to_finish', { lastUsed: null }, { lastUsed: minute }, 'the old secret was never called: safe to finish'],
  ])('%s (%#)', (code, old, newer, sentence) => {
    const described = rotation(old, newer)
    expect(described.state).toBe('retiring')
    expect(described.secrets.map((one) => one.secret.id)).toEqual(['new', 'old'])
    expect(described.secrets[1]?.advice).toEqual({ code, sentence })
    // The key as a whole says what the old one does, and until when there is time.
    expect(described.advice).toEqual({ code, sentence: sentence + overlapEnd })
  })

  it('how the new secret is doing', () => {
    expect(sentenceOf(rotation({ lastUsed: minute }, { lastUsed: null }), 'new')).toBe(
      'no call with the new secret yet',
    )
    const called = rotation({ lastUsed: minute }, { lastUsed: minute, from: '2001:db8::1' })
    expect(sentenceOf(called, 'new')).toBe('the new secret was last called 1 minute ago from 2001:db8::1')
    expect(called.secrets[0]?.advice.code).toBe('in_use')
  })

  it('an address only where that very call came from it', () => {
    const described = rotation({ lastUsed: 3 * minute, from: '203.0.113.7' })
    const [, old] = described.secrets
    expect(old?.advice.sentence).toContain('from 203.0.113.7')
    const { slots, secrets } = described
    const earlier = describeCutOver(
      slots,
      secrets.map((one) => one.secret),
      (id) => {
        const calls = secrets.find((one) => one.secret.id === id)?.calls
        if (!calls) throw new Error(id)
        return { ...calls, seen: calls.seen.map((seen) => ({ ...seen, at: seen.at - 1 })) }
      },
      now,
    )
    expect(earlier.secrets[1]?.advice.sentence).toBe('the old secret was last called 3 minutes ago: not safe to finish')
  })
})

describe('outside of a rotation the cut-over says', () => {
  const staged = secret('staged', { slot: 'secondary' })

  it.each<[Told, string, string]>([
    [{}, 'never_called', 'staged and never called'],
    [
      { lastUsed: 2 * hour, from: '203.0.113.7' },
      'in_use',
      'the staged secret was last called 2 hours ago from 203.0.113.7',
    ],
    [{ lastUsed: 40 * day }, 'unused', 'unused for 40 days'],
  ])('of a staged secret %j: %s', (told, code, sentence) => {
    const described = describeWith([secret('primary'), staged], { staged: told, primary: { lastUsed: minute } })
    expect(described).toMatchObject({ state: 'staged', advice: { code, sentence } })
    expect(described.secrets.map((one) => [one.secret.id, one.advice.sentence])).toEqual([
      ['primary', 'last called 1 minute ago'],
      ['staged', sentence],
    ])
  })

  it.each<[Told, string, string]>([
    [{}, 'never_called', 'never called'],
    [{ lastUsed: 5 * day, from: '203.0.113.7' }, 'in_use', 'last called 5 days ago from 203.0.113.7'],
    [{ lastUsed: 30 * day }, 'unused', 'unused for 30 days'],
  ])('of a lone secret %j: %s', (told, code, sentence) => {
    const described = describeWith([secret('primary')], { primary: told })
    expect(described).toMatchObject({ state: 'one', advice: { code, sentence }, secrets: [{ advice: { code } }] })
  })

  it('that there is no live secret', () => {
    const gone = secret('gone', { expiresAt: now - day })
    expect(describeWith([gone], {})).toMatchObject({ state: 'none', advice: { code: 'no_live_secret' }, secrets: [] })
  })
})

describe('a secret that has ended', () => {
  const refused = (ago: number) => ({ code: 'ROTATED' as const, at: now - ago })
  const ended = (id: string, ago: number, calledAgo: number | null) =>
    secret(id, {
      slot: 'secondary',
      retiresAt: now - ago,
      ...(calledAgo !== null && { lastRefused: refused(calledAgo) }),
    })

  it('is shown while it is still called, and the key says so', () => {
    const described = describeWith([secret('primary'), ended('old', 2 * day, 3 * minute)], {
      primary: { lastUsed: minute },
      old: { from: '203.0.113.7' },
    })
    const sentence = 'ended 2 days ago, still called 3 minutes ago from 203.0.113.7: refused with ROTATED'
    expect(described.advice).toEqual({ code: 'still_called', sentence })
    expect(described.secrets.map((one) => one.secret.id)).toEqual(['primary', 'old'])
  })

  it('is not shown where nobody called it for 30 days, or after its end at all', () => {
    for (const calledAgo of [null, 30 * day]) {
      const described = describeWith([secret('primary'), ended('old', 40 * day, calledAgo)], {})
      expect(described.secrets.map((one) => one.secret.id)).toEqual(['primary'])
    }
  })

  it('is the one that ended last of those still called, beside both live ones', () => {
    const all = [
      secret('new'),
      retiring,
      ended('last', day, null),
      ended('middle', 2 * day, hour),
      ended('first', 3 * day, minute),
    ]
    expect(describeWith(all, {}).secrets.map((one) => one.secret.id)).toEqual(['new', 'old', 'middle'])
  })

  it('says so of a key that has none left, too', () => {
    const gone = secret('gone', { expiresAt: now - day, lastRefused: { code: 'EXPIRED', at: now - minute } })
    expect(describeWith([gone], {})).toMatchObject({
      state: 'none',
      advice: {
        code: 'still_called',
        sentence: 'ended 24 hours ago, still called 1 minute ago: refused with EXPIRED',
      },
    })
  })
})

describe('whatever the calls were', () => {
  const told = fc.record({
    lastUsed: fc.option(fc.integer({ min: 0, max: 100 * day })),
    pause: fc.option(fc.integer({ min: hour, max: 90 * day })),
    refusedLastHour: fc.nat(1),
  })

  it('never calls it safe to finish before the new one is called, within an hour of a call, or within a pause as before', () => {
    fc.assert(
      fc.property(told, told, (old, newer) => {
        const { code } = rotation(old, newer).advice
        if (code !== 'safe_to_finish') return
        expect(newer.lastUsed).not.toBeNull()
        expect(old.refusedLastHour).toBe(0)
        if (old.lastUsed === null) return
        expect(old.lastUsed).toBeGreaterThanOrEqual(hour)
        expect(old.pause === null ? never : old.pause).toBeLessThan(old.lastUsed)
      }),
    )
  })

  it('finishing wants force exactly where it says that the old one passed within the hour', () => {
    fc.assert(
      fc.property(told, (old) => {
        const { slots, secrets } = rotation({ ...old, refusedLastHour: 0 })
        const finish = () => planFinish({ slots, now }, {})
        if (secrets[1]?.advice.code === 'not_safe_to_finish') expect(finish).toThrow(DomainError)
        else expect(finish()).toMatchObject({ action: 'key.rotation_finished' })
      }),
    )
  })
})

describe('the calls with a secret', () => {
  const at = (ago: number, passed: number, refused = 0): CallCount => {
    const begin = now - ago
    return { at: begin - (begin % hour), passed, refused }
  }

  it('are those of the hours that reach into the span', () => {
    const counts = [at(31 * day, 1), at(29 * day, 2), at(25 * hour, 4), at(23 * hour, 8), at(hour, 16), at(0, 32, 64)]
    const { passed, refused } = summariseCalls(counts, now, now)
    expect(passed).toEqual({ lastHour: 48, lastDay: 56, last30Days: 62 })
    expect(refused).toEqual({ lastHour: 64, lastDay: 64, last30Days: 64 })
  })

  it('are none in a span in which there was no use, though they were in its first hour', () => {
    const counts = [at(24 * hour, 2), at(hour, 1)]
    expect(summariseCalls(counts, now - hour - 1, now).passed).toEqual({ lastHour: 0, lastDay: 3, last30Days: 3 })
    expect(summariseCalls(counts, null, now).passed).toEqual({ lastHour: 0, lastDay: 0, last30Days: 0 })
  })

  it('have a longest pause from two of them on, refused ones among them', () => {
    const pauseOf = (...counts: CallCount[]) => summariseCalls(counts, now, now).longestPause
    expect([pauseOf(), pauseOf(at(day, 1))]).toEqual([null, null])
    expect(pauseOf(at(80 * day, 1), at(49 * day, 1), at(18 * day, 1))).toBe(31 * day)
    expect(pauseOf(at(10 * day, 1), at(5 * day, 0, 1), at(day, 1))).toBe(5 * day)
    expect(pauseOf(at(10 * day, 1), at(5 * day, 0, 0), at(day, 1))).toBe(9 * day)
  })
})
