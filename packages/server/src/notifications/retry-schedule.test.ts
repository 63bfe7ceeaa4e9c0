import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextAttemptAt, parseRetryAfter, retryDelaysMs } from './retry-schedule.ts'

const now = Date.UTC(2027, 0, 1)
const hours = (count: number) => count * 3_600_000

describe('retries', () => {
  it('go on for three days, and are then given up', () => {
    const whole = retryDelaysMs.reduce((sum, delay) => sum + delay, 0)
    expect(whole).toBeGreaterThan(hours(72))
    expect(whole).toBeLessThan(hours(80))
    expect(retryDelaysMs.map((_, index) => nextAttemptAt(index + 1, now, null, 0))).toEqual(
      retryDelaysMs.map((delay) => now + delay),
    )
    expect(nextAttemptAt(retryDelaysMs.length + 1, now, null, 0)).toBeNull()
    expect(nextAttemptAt(retryDelaysMs.length + 1, now, hours(1), 0)).toBeNull()
  })

  it('are spread, never sooner than the schedule and by a tenth at most', () => {
    const tries = fc.integer({ min: 1, max: retryDelaysMs.length })
    fc.assert(
      fc.property(tries, fc.double({ min: 0, max: 1, noNaN: true }), (number, fraction) => {
        const delay = (nextAttemptAt(number, now, null, fraction) ?? 0) - now
        expect(delay).toBeGreaterThanOrEqual(retryDelaysMs[number - 1] ?? 0)
        expect(delay).toBeLessThanOrEqual((retryDelaysMs[number - 1] ?? 0) * 1.1 + 1)
        expect(Number.isInteger(delay)).toBe(true)
      }),
    )
  })

  it('wait for as long as the receiver asks, up to a day', () => {
    expect(nextAttemptAt(1, now, hours(3), 0)).toBe(now + hours(3))
    expect(nextAttemptAt(1, now, hours(1000), 0)).toBe(now + hours(24))
    expect(nextAttemptAt(4, now, 1_000, 0)).toBe(now + hours(2))
  })

  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Fri, 01 Jan 2027 00:10:00 GMT', 600_000],
    ['Thu, 31 Dec 2026 00:00:00 GMT', 0],
    ['-5', null],
    ['1.5', null],
    ['99999999999999999999', null],
    ['soon', null],
    ['2027-01-01T00:10:00Z', null],
    ['', null],
  ])('read Retry-After %j as %j', (text, expected) => expect(parseRetryAfter(text, now)).toBe(expected))

  it('do without Retry-After', () => expect(parseRetryAfter(null, now)).toBeNull())
})
