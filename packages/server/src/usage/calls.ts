import type { Instant } from '../kernel/instant.ts'

/** Calls with one secret in one hour, or in a day long past. */
export interface CallCount {
  /** The beginning. */
  readonly at: Instant
  readonly passed: number
  readonly refused: number
}

/** How often, in spans that end now. */
export interface CallsBySpan {
  readonly lastHour: number
  readonly lastDay: number
  readonly last30Days: number
}

export interface CallSummary {
  readonly passed: CallsBySpan
  readonly refused: CallsBySpan
  /** Milliseconds between two calls; null where there were no two. */
  readonly longestPause: number | null
}

/** Where calls came from. */
export interface Seen {
  readonly address: string
  readonly at: Instant
  readonly userAgent: string | null
}

/** What is known of the calls with a secret. */
export interface SecretCalls extends CallSummary {
  /** Newest first, at most five. */
  readonly seen: readonly Seen[]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** How far back pauses are looked for. */
export const pausesWithinMs = 90 * dayMs

/**
 * What the counts of a secret come to. They are by hour, so that a span begins with the hour in which its beginning falls: too much
 * rather than too little. Where the last use was before a span, nothing passed in it, whatever the hour has.
 *
 * @param counts oldest first, each span of time once
 */
export function summariseCalls(counts: readonly CallCount[], lastUsedAt: Instant | null, now: Instant): CallSummary {
  const passed = (ms: number) =>
    lastUsedAt === null || lastUsedAt < now - ms ? 0 : sumSince(counts, now - ms, (count) => count.passed)
  const refused = (ms: number) => sumSince(counts, now - ms, (count) => count.refused)
  return { passed: bySpan(passed), refused: bySpan(refused), longestPause: longestPauseOf(counts) }
}

const bySpan = (countOf: (ms: number) => number): CallsBySpan => ({
  lastHour: countOf(hourMs),
  lastDay: countOf(dayMs),
  last30Days: countOf(30 * dayMs),
})

function sumSince(counts: readonly CallCount[], since: Instant, numberOf: (count: CallCount) => number): number {
  const begin = since - (since % hourMs)
  return counts.reduce((sum, count) => (count.at >= begin ? sum + numberOf(count) : sum), 0)
}

/** From one beginning to the next: what comes every 31 days has paused for 31 days. */
function longestPauseOf(counts: readonly CallCount[]): number | null {
  const called = counts.filter(({ passed, refused }) => passed + refused > 0).map(({ at }) => at)
  const pauses = called.slice(1).map((at, before) => at - (called[before] ?? at))
  return pauses.length === 0 ? null : Math.max(...pauses)
}
