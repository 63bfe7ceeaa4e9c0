import type { Clock } from '../../src/kernel/clock.ts'

/** A clock that stands still unless a test moves it; its wall clock can be set apart from the monotonic one. */
export class MovedClock implements Clock {
  #monotonic = 1_000
  #wallAhead = 1_800_000_000_000

  pass(milliseconds: number): void {
    this.#monotonic += milliseconds
  }

  setWall(byMs: number): void {
    this.#wallAhead += byMs
  }

  wallTime(): number {
    return this.#monotonic + this.#wallAhead
  }

  monotonic(): number {
    return this.#monotonic
  }

  databaseTime(reported: number): number {
    return reported
  }
}
