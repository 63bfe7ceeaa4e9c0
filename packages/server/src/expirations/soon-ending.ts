import type { Clock } from '../kernel/clock.ts'
import type { Ground } from '../people/call.ts'
import { inUseSince } from './expiration.ts'
import { countSoonEnding, type SoonCount } from './soon-store.ts'

/** Within how long, by the name of each window, in seconds. */
export const soonWindows = { '1d': 86_400, '7d': 7 * 86_400, '30d': 30 * 86_400 } as const

// Whoever scrapes more often than this sees the same again: the database is asked once for all of them.
const askEveryMs = 60_000
const most = 50_000

/**
 * How much of the whole installation ends soon, for metrics. Counting stops at 50,000, the nearest first; where the database cannot be
 * asked, the counts of before stand.
 */
export class SoonEndings {
  readonly #ground: Ground
  readonly #clock: Clock
  #askedAt = -Infinity
  #counts: Promise<readonly SoonCount[]> = Promise.resolve([])

  constructor(ground: Ground, clock: Clock) {
    this.#ground = ground
    this.#clock = clock
  }

  read(): Promise<readonly SoonCount[]> {
    const now = this.#clock.monotonic()
    if (now - this.#askedAt < askEveryMs) return this.#counts
    this.#askedAt = now
    const before = this.#counts
    this.#counts = this.#ask().catch(() => before)
    return this.#counts
  }

  async #ask(): Promise<readonly SoonCount[]> {
    const { reader } = this.#ground
    const now = await this.#ground.now(reader)
    return countSoonEnding(reader, Object.values(soonWindows), inUseSince(now), now, most)
  }
}
