import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Instant } from '../kernel/instant.ts'

/** A clock that stands at a time of the past until it is moved on, and in the end goes with the real one. */
export class DemoClock implements Clock {
  #at: Instant | null

  constructor(at: Instant) {
    this.#at = at
  }

  /** @param at null: the present */
  moveTo(at: Instant | null): void {
    this.#at = at
  }

  wallTime(): Instant {
    return this.#at ?? systemClock.wallTime()
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  databaseTime(reported: Instant): Instant {
    return this.#at ?? reported
  }
}
