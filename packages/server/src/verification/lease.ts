import type { Clock } from '../kernel/clock.ts'

// A machine that was paused as a whole stops both clocks and then sets one right; no honest clock drifts this far within a lease.
const mostPartedMs = 500

/** A moment by both clocks. */
export interface Mark {
  readonly monotonic: number
  readonly wall: number
}

/**
 * For how long this node may trust its cache without having heard from the database. Counted from before the look was sent, on the
 * monotonic clock: whatever happened to the look on its way, what it brought was true at a later moment than that.
 */
export class Lease {
  readonly maxStalenessMs: number
  readonly #clock: Clock
  #start: Mark | null = null

  constructor(clock: Clock, maxStalenessMs: number) {
    this.#clock = clock
    this.maxStalenessMs = maxStalenessMs
  }

  /** To be called before a look is sent. */
  mark(): Mark {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.wallTime() }
  }

  /** The look that began there has been applied to its end. */
  renew(start: Mark): void {
    this.#start = start
  }

  end(): void {
    this.#start = null
  }

  /** To be asked after deciding, just before the answer is written. */
  isHeld(): boolean {
    if (this.#start === null) return false
    const elapsed = this.#clock.monotonic() - this.#start.monotonic
    const parted = Math.abs(this.#clock.wallTime() - this.#start.wall - elapsed)
    return elapsed < this.maxStalenessMs && parted <= mostPartedMs
  }

  /** Milliseconds left; 0 where it is not held. */
  remainingMs(): number {
    if (!this.isHeld() || this.#start === null) return 0
    return this.maxStalenessMs - (this.#clock.monotonic() - this.#start.monotonic)
  }
}
