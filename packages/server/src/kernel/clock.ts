import type { Instant } from './instant.ts'

/**
 * The only source of time. Verdicts and transactions go by database time, so that nodes agree whatever their own clocks
 * say; `databaseTime` passes on what the database reported. A test gives a clock that moves.
 */
export interface Clock {
  /** This process's wall clock. For logs and names, never for a decision about a key. */
  wallTime(): Instant
  /** Milliseconds that only ever grow, whatever happens to the wall clock. */
  monotonic(): number
  /** The database's own reading, as this process takes it. */
  databaseTime(reported: Instant): Instant
}

export const systemClock: Clock = {
  wallTime: () => Date.now(),
  monotonic: () => performance.now(),
  databaseTime: (reported) => reported,
}
