import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantText } from './driver-values.ts'
import { parseInt8, parseTimestamptz } from './result-values.ts'

const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
const offset = fc.integer({ min: -15 * 60, max: 15 * 60 })

/** As PostgreSQL prints a time in a zone: minutes of the offset only where there are any. */
function printed(time: number, offsetMinutes: number, fraction: string): string {
  const local = new Date(time + offsetMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  const [hours, minutes] = [Math.trunc(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${local}${fraction}${offsetMinutes < 0 ? '-' : '+'}${hours}${minutes === '00' ? '' : `:${minutes}`}`
}

describe('a time from the database', () => {
  it('is the same instant in whatever zone the server prints it', () => {
    fc.assert(
      fc.property(instant, offset, (time, minutes) => {
        const whole = time - (time % 1000)
        expect(parseTimestamptz(printed(whole, minutes, ''))).toBe(whole)
      }),
    )
  })

  it('keeps its milliseconds, and loses what is finer', () => {
    const whole = Date.UTC(2027, 2, 1, 12)
    for (const [fraction, milliseconds] of [
      ['.7', 700],
      ['.733', 733],
      ['.733999', 733],
      ['.000001', 0],
    ] as const)
      expect(parseTimestamptz(printed(whole, 330, fraction)), fraction).toBe(whole + milliseconds)
  })

  it('is never for infinity, and before everything for its opposite', () => {
    expect(parseTimestamptz('infinity')).toBe(Number.POSITIVE_INFINITY)
    expect(parseTimestamptz('-infinity')).toBe(Number.NEGATIVE_INFINITY)
  })

  it('goes back as a text that means the same', () => {
    fc.assert(
      fc.property(instant, (time) => {
        expect(Date.parse(instantText(time))).toBe(time)
      }),
    )
    expect(instantText(Number.POSITIVE_INFINITY)).toBe('infinity')
    expect(instantText(Number.NEGATIVE_INFINITY)).toBe('-infinity')
  })
})

describe('a bigint from the database', () => {
  it('is a number, whole up to 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(parseInt8(String(value))).toBe(value)
      }),
    )
  })
})
