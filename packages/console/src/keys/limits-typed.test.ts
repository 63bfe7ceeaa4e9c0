import { quota, rateLimit } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rangeInWords, windowInWords, windowLengthInWords } from '../words/limits.ts'
import { limitsForWire, limitsOf } from './limits-typed.ts'

const calls = fc.integer({ min: 1, max: 1_000_000_000 })
const anyRateLimit = fc.record({
  windows: fc.uniqueArray(fc.record({ limit: calls, window_seconds: fc.integer({ min: 1, max: 30 * 86_400 }) }), {
    minLength: 1,
    maxLength: 5,
    selector: (window) => window.window_seconds,
  }),
})
const anyQuota = fc.record({
  limit: calls,
  refill: fc.constantFrom('daily' as const, 'monthly' as const),
  on_outage: fc.constantFrom('allow' as const, 'refuse' as const),
})

describe('limits as they are typed', () => {
  it('go back as they came', () => {
    const property = fc.property(fc.option(anyRateLimit), fc.option(anyQuota), (rate_limit, quotaThere) => {
      expect(limitsForWire(limitsOf({ rate_limit, quota: quotaThere }))).toEqual({ rate_limit, quota: quotaThere })
    })
    fc.assert(property)
  })

  it('are refused by the API wherever something is left out or is no number', () => {
    for (const typed of ['', ' ', '1e400', 'many', 0, -1, 1.5]) {
      const { rate_limit } = limitsForWire({ windows: [{ limit: typed, length: 1, unit: 'day' }], quota: null })
      expect(rateLimit.safeParse(JSON.parse(JSON.stringify(rate_limit))).success, String(typed)).toBe(false)
      const { quota: typedQuota } = limitsForWire({
        windows: [],
        quota: { limit: typed, refill: 'daily', on_outage: 'allow' },
      })
      expect(quota.safeParse(JSON.parse(JSON.stringify(typedQuota))).success, String(typed)).toBe(false)
    }
  })

  it('are said in the largest unit that is exact', () => {
    expect(windowInWords({ limit: 1_000, window_seconds: 86_400 })).toBe('1,000 calls in 1 day')
    expect(windowInWords({ limit: 1, window_seconds: 90 })).toBe('1 call in 90 seconds')
    expect(windowInWords({ limit: 10, window_seconds: 7_200 })).toBe('10 calls in 2 hours')
  })

  it('say of what is out of range how far it may go, and of all else what the API says', () => {
    const { error } = rateLimit.safeParse({ windows: [{ limit: 1, window_seconds: 31 * 86_400 }] })
    expect(rangeInWords(error?.issues[0]?.message, windowLengthInWords)).toBe('at most 30 days')
    expect(rangeInWords('must be number, not null', windowLengthInWords)).toBe('must be number, not null')
    expect(rangeInWords(undefined, windowLengthInWords)).toBeUndefined()
  })
})
