import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { never } from '../kernel/instant.ts'
import { endOf, endsOf, isLive, secretStatusAt } from './secret.ts'

const hour = 3_600_000
const start = Date.UTC(2027, 0, 1)
/** Few different times, so that many of them fall together. */
const time = fc.integer({ min: 0, max: 8 }).map((hours) => start + hours * hour)

/** As the database can hold one: `retires_at` is never past `expires_at`; how it was ended goes with when. */
const anySecret = fc
  .record({
    expiresAt: fc.oneof({ weight: 4, arbitrary: time }, fc.constant(never)),
    retiresAt: fc.option(time),
    ended: fc.option(fc.record({ at: time, by: fc.constantFrom('revoke' as const, 'rotate' as const) })),
  })
  .map(({ expiresAt, retiresAt, ended }) => ({
    expiresAt,
    retiresAt: retiresAt === null ? null : Math.min(retiresAt, expiresAt),
    endedAt: ended?.at ?? null,
    endedBy: ended?.by ?? null,
  }))

describe('a secret', () => {
  it('is live until the earliest of its three ends, and not at that very millisecond any more', () => {
    fc.assert(
      fc.property(anySecret, time, (secret, now) => {
        const isOver = [secret.expiresAt, secret.retiresAt, secret.endedAt].some((end) => end !== null && end <= now)
        expect(isLive(secret, now)).toBe(!isOver)
        expect(secretStatusAt(secret, now) === 'live').toBe(!isOver)
        const end = endOf(secret)
        if (end !== never) expect([isLive(secret, end - 1), isLive(secret, end)]).toEqual([true, false])
      }),
    )
  })

  it('that has ended never works again: its status is the same at every later time', () => {
    fc.assert(
      fc.property(anySecret, time, fc.nat(100), (secret, now, hours) => {
        fc.pre(!isLive(secret, now))
        expect(isLive(secret, now + hours * hour)).toBe(false)
        expect(secretStatusAt(secret, now + hours * hour)).toBe(secretStatusAt(secret, now))
      }),
    )
  })

  it('is called revoked or rotated by what ended it first, else expired', () => {
    fc.assert(
      fc.property(anySecret, (secret) => {
        const end = endOf(secret)
        fc.pre(end !== never)
        const expected =
          secret.endedAt === end
            ? secret.endedBy === 'revoke'
              ? 'revoked'
              : 'rotated'
            : secret.retiresAt === end
              ? 'rotated'
              : 'expired'
        expect(secretStatusAt(secret, end)).toBe(expected)
      }),
    )
  })

  it('revoked after it had expired stays expired', () => {
    const secret = { expiresAt: start, retiresAt: null, endedAt: start + hour, endedBy: 'revoke' as const }
    expect(secretStatusAt(secret, start + 2 * hour)).toBe('expired')
  })

  it('without an expiry lives for ever, unless somebody ends it', () => {
    const secret = { expiresAt: never, retiresAt: null, endedAt: null, endedBy: null }
    expect(secretStatusAt(secret, Number.MAX_SAFE_INTEGER)).toBe('live')
    expect(secretStatusAt({ ...secret, endedAt: start, endedBy: 'revoke' }, start)).toBe('revoked')
  })
})

describe('the ends of a key', () => {
  it('are those of its live secrets, the earlier and the later; with none alive, both are when the last one ended', () => {
    fc.assert(
      fc.property(fc.array(anySecret, { minLength: 1, maxLength: 4 }), time, (secrets, now) => {
        const live = secrets.filter((secret) => isLive(secret, now)).map(endOf)
        const sorted = (live.length > 0 ? live : secrets.map(endOf)).sort((a, b) => a - b)
        const last = sorted[sorted.length - 1]
        expect(endsOf(secrets, now)).toEqual({ firstEndAt: live.length > 0 ? sorted[0] : last, lastEndAt: last })
      }),
    )
  })
})
