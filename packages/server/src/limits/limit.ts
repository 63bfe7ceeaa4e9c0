import type { Quota, RateLimit, RateWindow } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/** What of a key can run out. */
export interface KeyLimits {
  readonly windows: readonly RateWindow[] | null
  readonly quota: Quota | null
}

/** Null where nothing can: such a key costs a verdict one look at this. */
export function limitsOf(rateLimit: RateLimit | null, quota: Quota | null): KeyLimits | null {
  return rateLimit === null && quota === null ? null : { windows: rateLimit?.windows ?? null, quota }
}

/** Shortest window first, so that the same limit written in another order is no change. */
export function inOrder(rateLimit: RateLimit | null): RateLimit | null {
  return rateLimit && { windows: rateLimit.windows.toSorted((a, b) => a.window_seconds - b.window_seconds) }
}

/** A window after a call. */
export interface WindowLeft {
  readonly window: RateWindow
  readonly remaining: number
  /** Null: none has begun. */
  readonly resetsAt: Instant | null
}

export interface WindowsLeft {
  readonly passed: boolean
  readonly windows: readonly WindowLeft[]
  /** From when on a call that did not pass could; null where it never can, or did pass. */
  readonly retryAt: Instant | null
}

export interface QuotaLeft {
  readonly passed: boolean
  readonly quota: Quota
  /** As far as this node knows; null: it has not asked the database yet. */
  readonly remaining: number | null
  readonly refillsAt: Instant
  readonly retryAt: Instant | null
  /** The database could not be asked. */
  readonly outage: boolean
}

/** What a call has taken from the limits of its key, or that it could not. */
export interface Charge {
  readonly code: 'VALID' | 'RATE_LIMITED' | 'QUOTA_EXCEEDED'
  /** When it was decided. */
  readonly at: Instant
  readonly cost: number
  readonly windows: WindowsLeft | null
  readonly quota: QuotaLeft | null
}
