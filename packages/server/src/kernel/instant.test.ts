import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatInstant, formatTime, never, parseInstant, seconds } from './instant.ts'

describe('an instant', () => {
  it('comes back from its text as it was, to the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (instant) => {
        const text = formatTime(instant)
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(parseInstant(text)).toBe(instant)
        expect(formatInstant(instant)).toBe(text)
      }),
    )
  })

  it('that is never has no text, and comes after every other', () => {
    expect(formatInstant(never)).toBeNull()
    fc.assert(
      fc.property(fc.maxSafeInteger(), (instant) => {
        expect(never).toBeGreaterThan(instant)
      }),
    )
  })

  it('is the same in every offset', () => {
    expect(parseInstant('2027-03-01T17:30:00+05:30')).toBe(parseInstant('2027-03-01T12:00:00Z'))
  })

  it('is moved by seconds in milliseconds', () => {
    expect(seconds(90)).toBe(90_000)
  })
})
