import type { Refill } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

const dayMs = 86_400_000

/** When the day or month of this time began, in UTC. */
export function periodStart(now: Instant, refill: Refill): Instant {
  if (refill === 'daily') return Math.floor(now / dayMs) * dayMs
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}

/** When the next one begins. @param period the beginning of a day or month */
export function nextRefill(period: Instant, refill: Refill): Instant {
  if (refill === 'daily') return period + dayMs
  const date = new Date(period)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}
