import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextRefill, periodStart } from './refill.ts'

const times = (refill: 'daily' | 'monthly', time: string) => {
  const period = periodStart(Date.parse(time), refill)
  return [period, nextRefill(period, refill)].map((at) => new Date(at).toISOString().replace('T00:00:00.000Z', ''))
}

describe('the refill of quotas', () => {
  it.each([
    ['2026-11-21T15:04:05.678Z', '2026-11-21', '2026-11-22'],
    ['2026-12-31T23:59:59.999Z', '2026-12-31', '2027-01-01'],
    ['2027-01-01T00:00:00.000Z', '2027-01-01', '2027-01-02'],
    ['2028-02-28T23:59:59.999Z', '2028-02-28', '2028-02-29'],
    ['2028-02-29T12:00:00.000Z', '2028-02-29', '2028-03-01'],
    ['2027-02-28T12:00:00.000Z', '2027-02-28', '2027-03-01'],
    // Clocks of many places are turned that night; this one is not.
    ['2027-03-28T01:30:00.000Z', '2027-03-28', '2027-03-29'],
  ])('each midnight in UTC: %s', (time, start, next) => expect(times('daily', time)).toEqual([start, next]))

  it.each([
    ['2026-11-21T15:04:05.678Z', '2026-11-01', '2026-12-01'],
    ['2026-12-31T23:59:59.999Z', '2026-12-01', '2027-01-01'],
    ['2028-02-29T23:59:59.999Z', '2028-02-01', '2028-03-01'],
    ['2028-03-01T00:00:00.000Z', '2028-03-01', '2028-04-01'],
    ['2100-02-28T23:59:59.999Z', '2100-02-01', '2100-03-01'],
    ['2027-01-31T00:00:00.000Z', '2027-01-01', '2027-02-01'],
  ])('each first of a month in UTC: %s', (time, start, next) => expect(times('monthly', time)).toEqual([start, next]))

  it('leaves no moment out, and has none in two periods', () => {
    const moment = fc.integer({ min: 0, max: Date.UTC(9999, 0) })
    fc.assert(
      fc.property(moment, fc.constantFrom('daily', 'monthly'), (now, refill) => {
        const period = periodStart(now, refill)
        const next = nextRefill(period, refill)
        expect(period <= now && now < next).toBe(true)
        expect([periodStart(period, refill), periodStart(next - 1, refill)]).toEqual([period, period])
        expect(periodStart(next, refill)).toBe(next)
      }),
    )
  })
})
