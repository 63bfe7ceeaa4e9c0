import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, never } from '../kernel/instant.ts'
import { boundedEnd, endOfNewSecret, type WantedEnd } from './lifetime.ts'

const now = Date.UTC(2027, 0, 1)
const day = 86_400
const rules = { default_lifetime: 365 * day, max_lifetime: 730 * day, allow_never_expires: false }

function outcome(work: () => number): number | { code: string; facts: object } {
  try {
    return work()
  } catch (error) {
    if (error instanceof DomainError) return { code: error.code, facts: error.facts }
    throw error
  }
}
const endOf = (wanted: WantedEnd, policy: Partial<typeof rules> | { max_lifetime: null } = {}) =>
  outcome(() => endOfNewSecret(wanted, { ...rules, ...policy }, now))

describe('the end of a new secret', () => {
  it('is the default lifetime from now where nothing was asked for', () => {
    expect(endOf({})).toBe(now + 365 * day * 1000)
  })

  it('is to the second what was asked for, as a time or as a distance', () => {
    expect(endOf({ expires_in: 90 })).toBe(now + 90_000)
    expect(endOf({ expires_at: '2027-01-11T01:00:00+01:00' })).toBe(Date.UTC(2027, 0, 11))
  })

  it('never lies in the past, nor now', () => {
    for (const expires_at of ['2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z', '1970-01-01T00:00:00Z'])
      expect(endOf({ expires_at })).toMatchObject({ code: 'expires_in_the_past' })
  })

  it('never lies past the maximum, and the refusal names the latest time there is', () => {
    const latest = now + rules.max_lifetime * 1000
    expect(endOf({ expires_in: rules.max_lifetime })).toBe(latest)
    expect(endOf({ expires_in: rules.max_lifetime + 1 })).toEqual({
      code: 'max_lifetime_exceeded',
      facts: { max_lifetime: rules.max_lifetime, latest: formatTime(latest) },
    })
    expect(endOf({ expires_at: '9999-12-31T23:59:59Z' }, { max_lifetime: null })).toBe(
      Date.UTC(9999, 11, 31, 23, 59, 59),
    )
  })

  it('is never only where the policy allows it, whatever the maximum', () => {
    expect(endOf({ never_expires: true })).toMatchObject({ code: 'never_expires_not_allowed' })
    expect(endOf({ never_expires: true }, { allow_never_expires: true })).toBe(never)
  })

  it('that is accepted is one that the policy allows, for every wish and every policy', () => {
    const wish = fc.oneof(
      fc.constant<WantedEnd>({}),
      fc.integer({ min: 1, max: 4000 * day }).map((expires_in): WantedEnd => ({ expires_in })),
      fc
        .integer({ min: -1000, max: 4000 })
        .map((days): WantedEnd => ({ expires_at: formatTime(now + days * day * 1000) })),
      fc.constant<WantedEnd>({ never_expires: true }),
    )
    const policy = fc.record({
      default_lifetime: fc.integer({ min: 1, max: 2000 * day }),
      max_lifetime: fc.option(fc.integer({ min: 1, max: 2000 * day })),
      allow_never_expires: fc.boolean(),
    })
    fc.assert(
      fc.property(wish, policy, (wanted, given) => {
        const end = outcome(() => endOfNewSecret(wanted, given, now))
        if (typeof end !== 'number') return
        expect(end).toBeGreaterThan(now)
        if (end === never) expect(given.allow_never_expires).toBe(true)
        else if (given.max_lifetime !== null) expect(end).toBeLessThanOrEqual(now + given.max_lifetime * 1000)
      }),
    )
  })
})

describe('a later end of a secret that exists', () => {
  it('is bounded by its creation, not by now: extending again and again leads nowhere further', () => {
    const createdAt = now - 700 * day * 1000
    const latest = createdAt + rules.max_lifetime * 1000
    expect(outcome(() => boundedEnd(latest, rules, createdAt, now))).toBe(latest)
    expect(outcome(() => boundedEnd(latest + 1, rules, createdAt, now))).toMatchObject({
      code: 'max_lifetime_exceeded',
    })
  })
})
