import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { giveUpAfterMs, nextAttempt, toFailure } from './mail-retry.ts'

const minute = 60_000
const again = { forGood: false }

describe('a mail that could not be sent', () => {
  it('is tried after a minute, five, thirty, two hours, six, twelve, then daily, for three days', () => {
    const pauses: number[] = []
    let now = 0
    for (let attempts = 1; ; attempts++) {
      const next = nextAttempt(again, attempts, 0, now)
      if (next === null) break
      pauses.push((next - now) / minute)
      now = next
    }
    expect(pauses.slice(0, 7)).toEqual([1, 5, 30, 120, 360, 720, 1440])
    expect(now).toBe(giveUpAfterMs)
  })

  it('is always tried later, and never after three days, whenever it failed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 2 * giveUpAfterMs }), (attempts, now) => {
        const next = nextAttempt(again, attempts, 0, now)
        if (now >= giveUpAfterMs) expect(next).toBeNull()
        else {
          expect(next).toBeGreaterThan(now)
          expect(next).toBeLessThanOrEqual(giveUpAfterMs)
        }
      }),
    )
  })

  it('is given up at once where the server refuses it or its recipient for good, and nothing else is', () => {
    const failure = (fields: object) => toFailure(Object.assign(new Error('no\r\nsuch  user'), fields))
    expect(failure({ responseCode: 550, command: 'RCPT TO' })).toEqual({
      forGood: true,
      unreachable: false,
      reason: 'no such user',
    })
    expect(failure({ responseCode: 554, command: 'DATA' }).forGood).toBe(true)
    expect(failure({ responseCode: 450, command: 'RCPT TO' }).forGood).toBe(false)
    expect(failure({ responseCode: 535, command: 'AUTH PLAIN' })).toMatchObject({ forGood: false, unreachable: false })
    expect(failure({ code: 'ECONNREFUSED', command: 'CONN' })).toMatchObject({ forGood: false, unreachable: true })
    expect(toFailure('x'.repeat(10_000)).reason).toHaveLength(500)
    expect(nextAttempt({ forGood: true }, 1, 0, 0)).toBeNull()
  })
})
