import type { Clock } from '../../src/kernel/clock.ts'

/** The real clock, but the database's time is moved: a test goes a year ahead without waiting for it. */
export class TestClock implements Clock {
  #aheadMs = 0

  advance(milliseconds: number): void {
    this.#aheadMs += milliseconds
  }

  /** The time that keys go by. */
  now(): number {
    return this.databaseTime(Date.now())
  }

  wallTime(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  databaseTime(reported: number): number {
    return reported + this.#aheadMs
  }
}
