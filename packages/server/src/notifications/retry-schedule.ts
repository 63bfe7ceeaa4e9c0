import type { Instant } from '../kernel/instant.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Between one attempt and the next: a hiccup is over in seconds, a bad deployment in hours, a weekend in three days. */
export const retryDelaysMs = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
] as const

// Receivers that failed together must not be called together again.
const jitter = 0.1
// Beyond it a receiver would have its messages put off until nobody remembers them.
const longestRetryAfterMs = 24 * hour

/**
 * When to try again after the `tries`th attempt failed; null: it is given up. Never sooner than the receiver asked for (`Retry-After`,
 * RFC 9110 §10.2.3), up to a day, and never sooner than the schedule says.
 *
 * @param fraction 0 to 1, drawn at random
 */
export function nextAttemptAt(
  tries: number,
  now: Instant,
  retryAfterMs: number | null,
  fraction: number,
): Instant | null {
  const delay = retryDelaysMs[tries - 1]
  if (delay === undefined) return null
  const spread = Math.round(delay * (1 + jitter * fraction))
  return now + Math.max(spread, Math.min(retryAfterMs ?? 0, longestRetryAfterMs))
}

/** `Retry-After`: seconds, or an HTTP date. @returns milliseconds from now; null where it says nothing that is understood */
export function parseRetryAfter(text: string | null, now: Instant): number | null {
  if (text === null) return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * second
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(at) ? Math.max(0, at - now) : null
}
