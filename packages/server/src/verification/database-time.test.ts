import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MovedClock } from '../../test/support/moved-clock.ts'
import { DatabaseTime } from './database-time.ts'

const ahead = 5_000_000
const step = fc.record({
  /** Until the look is sent; until the database reads its clock; until the answer is here. */
  idle: fc.nat(400),
  out: fc.nat(50),
  back: fc.nat(50),
  wall: fc.integer({ min: -3_600_000, max: 3_600_000 }),
})

describe('database time', () => {
  it('is never ahead of the database, never goes backwards, and lags by no more than the quickest way back of the last looks', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const clock = new MovedClock()
        const time = new DatabaseTime(clock)
        const database = () => clock.monotonic() + ahead
        let last = Number.NEGATIVE_INFINITY
        let quickest = Number.POSITIVE_INFINITY
        for (const { idle, out, back, wall } of steps) {
          clock.pass(idle + out)
          clock.setWall(wall)
          const reported = database()
          clock.pass(back)
          time.observe(reported)
          quickest = Math.min(quickest, back)
          const now = time.now()
          expect(now).toBeLessThanOrEqual(database())
          expect(now).toBeGreaterThanOrEqual(last)
          expect(database() - now).toBeLessThanOrEqual(quickest)
          last = now
        }
      }),
    )
  })

  it('follows a database whose clock was set back, without going backwards itself', () => {
    const clock = new MovedClock()
    const time = new DatabaseTime(clock)
    time.observe(10_000)
    const before = time.now()
    for (let look = 0; look < 64; look++) time.observe(9_000 + look)
    expect(time.now()).toBe(before)
    clock.pass(1_500)
    expect(time.now()).toBeGreaterThan(before)
  })

  it('is a whole number of milliseconds, however finely the process counts', () => {
    const clock = new MovedClock()
    const time = new DatabaseTime(clock)
    clock.pass(0.75)
    time.observe(10_000)
    clock.pass(0.9999)
    expect(time.now()).toBe(10_000)
    clock.pass(0.0002)
    expect(time.now()).toBe(10_001)
  })

  it('is not behind what a read has brought', () => {
    const clock = new MovedClock()
    const time = new DatabaseTime(clock)
    time.observe(10_000)
    expect(time.atLeast(10_040)).toBe(10_040)
    expect(time.now()).toBe(10_040)
    expect(time.atLeast(9_000)).toBe(10_040)
    clock.pass(100)
    expect(time.now()).toBe(10_100)
  })
})
