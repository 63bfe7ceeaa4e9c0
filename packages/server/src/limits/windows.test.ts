import type { RateWindow } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WindowCounts } from './window-counts.ts'

interface Passed {
  readonly at: number
  readonly cost: number
}

/** From the list of all that has passed, with nothing kept between calls: when the running window ends, and what is used of it. */
function naive(passed: readonly Passed[], { window_seconds }: RateWindow, now: number) {
  let [endsAt, used] = [Number.NEGATIVE_INFINITY, 0]
  for (const { at, cost } of passed) {
    if (at >= endsAt) [endsAt, used] = [at + 1000 * window_seconds, 0]
    used += cost
  }
  return endsAt > now ? { endsAt, used } : { endsAt: null, used: 0 }
}

const windows = fc.uniqueArray(
  fc.record({ limit: fc.integer({ min: 1, max: 12 }), window_seconds: fc.constantFrom(1, 2, 10, 60, 3600) }),
  { minLength: 1, maxLength: 5, selector: (window) => window.window_seconds },
)
const step = fc.record({
  pass: fc.oneof(fc.nat(900), fc.constantFrom(0, 1, 999, 1000, 10_000, 59_999, 3_600_000)),
  cost: fc.oneof(fc.constant(1), fc.nat(15)),
  givenBack: fc.nat(6).map((chance) => chance === 0),
})

describe('rate limits', () => {
  it('say to the millisecond what a list of all that passed says, and a refused call takes from no window', () => {
    fc.assert(
      fc.property(windows, fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const counts = new WindowCounts()
        const passed: Passed[] = []
        let now = 1_800_000_000_000
        for (const { pass, cost, givenBack } of steps) {
          now += pass
          const before = limit.map((window) => naive(passed, window, now))
          const fits = limit.every((window, at) => (before[at]?.used ?? 0) + cost <= window.limit)
          const left = counts.take('key_1', limit, cost, now)
          expect(left.passed).toBe(cost === 0 || fits)
          if (left.passed && cost > 0) passed.push({ at: now, cost })
          const after = limit.map((window) => ({ window, ...naive(passed, window, now) }))
          expect(left.windows).toEqual(
            after.map(({ window, endsAt, used }) => ({ window, remaining: window.limit - used, resetsAt: endsAt })),
          )
          if (left.passed) expect(left.retryAt).toBeNull()
          else if (limit.some((window) => cost > window.limit)) expect(left.retryAt).toBeNull()
          else {
            const full = after.flatMap(({ window, endsAt, used }) => (used + cost > window.limit ? [endsAt ?? 0] : []))
            expect(left.retryAt).toBe(Math.max(...full))
          }
          if (!left.passed || !givenBack || cost === 0) continue
          // The window that it began goes on, with nothing in it.
          counts.giveBack('key_1', left, cost)
          passed[passed.length - 1] = { at: now, cost: 0 }
        }
      }),
    )
  })

  it('go on where the limit is changed: what has passed in a window counts against the new one', () => {
    const counts = new WindowCounts()
    const take = (limit: number, window_seconds = 60) => counts.take('key_1', [{ limit, window_seconds }], 1, 1_000)
    for (let call = 0; call < 5; call++) expect(take(5).passed).toBe(true)
    expect(take(5).passed).toBe(false)
    expect(take(6)).toMatchObject({ passed: true, windows: [{ remaining: 0 }] })
    expect(take(3)).toMatchObject({ passed: false, windows: [{ remaining: 0 }], retryAt: 61_000 })
    // Of another length nothing has been counted.
    expect(take(3, 61)).toMatchObject({ passed: true, windows: [{ remaining: 2 }] })
  })

  it('of one key are none of another', () => {
    const counts = new WindowCounts()
    const limit = [{ limit: 1, window_seconds: 60 }]
    expect(['key_1', 'key_2', 'key_1'].map((key) => counts.take(key, limit, 1, 0).passed)).toEqual([true, true, false])
  })

  it('go on from what all nodes have counted together', () => {
    const [one, other] = [new WindowCounts(), new WindowCounts()]
    const limit = [{ limit: 3, window_seconds: 60 }]
    one.take('key_1', limit, 1, 0)
    other.adopt('key_1', one.take('key_1', limit, 1, 10))
    expect(other.take('key_1', limit, 1, 20)).toMatchObject({
      passed: true,
      windows: [{ remaining: 0, resetsAt: 60_000 }],
    })
    expect(other.take('key_1', limit, 1, 59_999).passed).toBe(false)
    expect(other.take('key_1', limit, 1, 60_000).passed).toBe(true)
  })
})
