import type { Clock } from '../kernel/clock.ts'
import type { Instant } from '../kernel/instant.ts'

// Enough looks for one that came back quickly to be among them; few enough that a drifting clock is followed.
const kept = 64

/**
 * Database time without asking for it: as the looks report it, carried forward by this process's monotonic clock. Never ahead of
 * the database, so that nothing ends too early: of the last looks the one counts that lost least time on its way back. Never
 * backwards.
 */
export class DatabaseTime {
  readonly #clock: Clock
  readonly #offsets: number[] = []
  #offset = Number.NEGATIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param reported the database's clock during the look, whose answer has just come */
  observe(reported: Instant): void {
    this.#offsets.push(reported - this.#clock.monotonic())
    if (this.#offsets.length > kept) this.#offsets.shift()
    this.#offset = Math.max(...this.#offsets)
  }

  /** @param reported what a read has brought: what is decided by it is not decided by an earlier time than the last was */
  atLeast(reported: Instant): Instant {
    if (reported > this.#last) this.#last = reported
    return this.now()
  }

  /** Whole milliseconds: what is written as a number and what is written as text are the same moment. */
  now(): Instant {
    const estimate = this.#offset + this.#clock.monotonic()
    if (estimate > this.#last) this.#last = estimate
    return Math.floor(this.#clock.databaseTime(this.#last))
  }
}
