import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { never } from '../kernel/instant.ts'
import { type DayCount, dayMs, toForecast } from './forecast.ts'

// A Wednesday.
const now = Date.UTC(2027, 2, 3, 15)
const today = Date.UTC(2027, 2, 3)
const on = (days: number, count = 1, leg: DayCount['leg'] = 'end'): DayCount => ({
  day: today + days * dayMs,
  leg,
  count,
})

describe('a forecast', () => {
  it('has a year of weeks that begin on Mondays, the present one first', () => {
    const { weeks } = toForecast([on(0), on(4), on(5, 2, 'rotation'), on(11, 3, 'tracked')], now)
    expect(weeks).toHaveLength(53)
    expect(weeks.slice(0, 3)).toEqual([
      { starts_on: '2027-03-01', count: 2, ends: 2, rotations_due: 0, tracked: 0 },
      { starts_on: '2027-03-08', count: 5, ends: 0, rotations_due: 2, tracked: 3 },
      { starts_on: '2027-03-15', count: 0, ends: 0, rotations_due: 0, tracked: 0 },
    ])
    expect(weeks.at(-1)?.starts_on).toBe('2028-02-28')
  })

  it('names the days on which many end together, and not those of an even load', () => {
    expect(toForecast([on(10, 12), on(20), on(30, 4)], now).crowded_days).toEqual([
      { date: '2027-03-13', count: 12, ends: 12, rotations_due: 0, tracked: 0 },
    ])
    const even = Array.from({ length: 360 }, (_, index) => on(index, 100))
    expect(toForecast(even, now).crowded_days).toEqual([])
    expect(toForecast([...even, on(50, 300, 'tracked')], now).crowded_days).toMatchObject([
      { count: 400, tracked: 300 },
    ])
    const many = Array.from({ length: 30 }, (_, index) => on(7 * index, 10 + index))
    const { crowded_days } = toForecast(many, now)
    expect(crowded_days).toHaveLength(10)
    expect(crowded_days.map(({ date }) => date)).toEqual(crowded_days.map(({ date }) => date).toSorted())
    expect(Math.min(...crowded_days.map(({ count }) => count))).toBe(30)
  })

  it('counts everything once, whenever it comes and whatever day it is', () => {
    const day = fc.oneof(
      fc.integer({ min: -400, max: 800 }).map((days) => today + days * dayMs),
      fc.constant(never),
    )
    const leg = fc.constantFrom('end', 'rotation', 'tracked')
    const days = fc.array(fc.record({ day, leg, count: fc.integer({ min: 1, max: 1000 }) }))
    fc.assert(
      fc.property(days, fc.integer({ min: 0, max: 400 * dayMs }), (counted, later) => {
        const { overdue, weeks, later: after, never: endless } = toForecast(counted, now + later)
        const inWeeks = weeks.reduce((sum, week) => sum + week.count, 0)
        expect(overdue + inWeeks + after + endless).toBe(counted.reduce((sum, { count }) => sum + count, 0))
        for (const week of weeks) {
          expect(new Date(week.starts_on).getUTCDay()).toBe(1)
          expect(week.ends + week.rotations_due + week.tracked).toBe(week.count)
        }
      }),
    )
  })
})
