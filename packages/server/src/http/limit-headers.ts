import type { Charge } from '../limits/limit.ts'
import { retryAfter, secondsUntil } from '../limits/verdict-limits.ts'

/** As structured fields (RFC 9651); empty where there is nothing to say. */
export interface LimitHeaders {
  /** draft-ietf-httpapi-ratelimit-headers-10 §3: what may be called, in which time. */
  readonly policy: string
  /** §4: what is left of it, and in how many seconds it is whole again. */
  readonly left: string
  /** RFC 9110 §10.2.3, in seconds. */
  readonly retryAfter: string
}

const none: LimitHeaders = { policy: '', left: '', retryAfter: '' }

/** A policy is named by its window, as `60s`, and a quota by its refill. */
export function limitHeaders(charge: Charge | null): LimitHeaders {
  if (charge === null) return none
  const { windows, quota, at } = charge
  const policies: string[] = []
  const left: string[] = []
  for (const { window, remaining, resetsAt } of windows?.windows ?? []) {
    policies.push(`"${window.window_seconds}s";q=${window.limit};w=${window.window_seconds}`)
    left.push(`"${window.window_seconds}s";r=${remaining};t=${secondsUntil(resetsAt, at) ?? window.window_seconds}`)
  }
  if (quota) {
    policies.push(`"${quota.quota.refill}";q=${quota.quota.limit}`)
    if (quota.remaining !== null)
      left.push(`"${quota.quota.refill}";r=${quota.remaining};t=${secondsUntil(quota.refillsAt, at)}`)
  }
  const seconds = charge.code === 'VALID' ? null : retryAfter(charge)
  return { policy: policies.join(', '), left: left.join(', '), retryAfter: seconds === null ? '' : String(seconds) }
}

/**
 * For the API that asked, which may hand them on to its caller. Under names of our own: a client library that heeds the standard ones
 * would take the limits of its customer for limits on asking us.
 */
export function verdictLimitHeaders(charge: Charge | null): [string, string][] {
  const { policy, left, retryAfter: seconds } = limitHeaders(charge)
  const headers: [string, string][] = [
    ['x-keyturn-ratelimit-policy', policy],
    ['x-keyturn-ratelimit', left],
    ['x-keyturn-retry-after', seconds],
  ]
  return headers.filter(([, value]) => value !== '')
}
