import type * as wire from '@keyturn/contract'
import { formatTime, type Instant } from '../kernel/instant.ts'
import type { Charge } from './limit.ts'

/** What a verdict says of the windows; null: there are none. */
export function toRateLimitLeft(charge: Charge | null): wire.RateLimitLeft | null {
  if (!charge?.windows) return null
  const { windows, retryAt } = charge.windows
  return {
    windows: windows.map(({ window, remaining, resetsAt }) => ({
      limit: window.limit,
      window_seconds: window.window_seconds,
      remaining,
      resets_at: resetsAt === null ? null : formatTime(resetsAt),
    })),
    retry_after: secondsUntil(retryAt, charge.at),
  }
}

/** What a verdict says of the quota; null: there is none. */
export function toQuotaLeft(charge: Charge | null): wire.QuotaLeft | null {
  if (!charge?.quota) return null
  const { quota, remaining, refillsAt, retryAt } = charge.quota
  return {
    limit: quota.limit,
    refill: quota.refill,
    remaining,
    refills_at: formatTime(refillsAt),
    retry_after: secondsUntil(retryAt, charge.at),
  }
}

/** Whole seconds after which a refused call could pass: whoever waits for so long does not come too early. */
export function retryAfter(charge: Charge): number | null {
  return secondsUntil((charge.quota?.passed === false ? charge.quota : charge.windows)?.retryAt ?? null, charge.at)
}

export const secondsUntil = <T extends Instant | null>(at: T, now: Instant) =>
  at === null ? null : Math.max(1, Math.ceil((at - now) / 1000))
