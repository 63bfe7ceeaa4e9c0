import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newId } from '../kernel/ids.ts'
import { never } from '../kernel/instant.ts'
import type { SecretRecord } from '../keys/key.ts'
import type { Slots } from '../keys/slots.ts'
import { adviseRenewal } from './renewal-window.ts'

const hour = 3_600_000
const day = 24 * hour
const made = Date.UTC(2027, 0, 1)

const secretOf = (fields: Partial<SecretRecord> = {}): SecretRecord => ({
  id: newId('secret', made),
  keyId: 'key_1',
  slot: 'primary',
  hint: 'kt_live_AbCd…WxYz',
  value: null,
  createdAt: made,
  expiresAt: made + 90 * day,
  retiresAt: null,
  overlapStartedAt: null,
  endedAt: null,
  endedBy: null,
  ...fields,
})
const alone = (primary: SecretRecord): Slots => ({ state: 'one', primary })
const advise = (
  secret: SecretRecord,
  more: { rotateEvery?: number; renewal?: Parameters<typeof adviseRenewal>[3] } = {},
) => adviseRenewal(secret, alone(secret), more.rotateEvery ?? null, more.renewal ?? null)

const life = fc.integer({ min: 60_000, max: 100 * 365 * day })

describe('the window in which to renew a secret', () => {
  it('lies between two thirds and three quarters of its life, is never empty, and is the same whenever it is asked for', () => {
    fc.assert(
      fc.property(life, (lifeMs) => {
        const secret = secretOf({ expiresAt: made + lifeMs })
        const { window } = advise(secret)
        const { start, end } = window ?? { start: Number.NaN, end: Number.NaN }
        expect(start).toBeGreaterThanOrEqual(made + (2 / 3) * lifeMs - 1)
        expect(end).toBeLessThanOrEqual(made + 0.75 * lifeMs + 2)
        expect(end).toBeGreaterThan(start)
        expect(advise(secret).window).toEqual(window)
      }),
    )
  })

  it('does not begin at once for keys that were made at once', () => {
    const starts = Array.from({ length: 1000 }, () => advise(secretOf()).window?.start ?? 0)
    const spread = (90 * day) / 24
    const quarters = [0, 0, 0, 0]
    for (const start of starts) {
      const at = Math.min(3, Math.floor((4 * (start - made - 60 * day)) / spread))
      quarters[at] = (quarters[at] ?? 0) + 1
    }
    for (const count of quarters) expect(count).toBeGreaterThan(150)
  })

  it('is met by whoever asks as often as told, with a quarter of the life left', () => {
    fc.assert(
      fc.property(life, (lifeMs) => {
        const secret = secretOf({ expiresAt: made + lifeMs })
        const { window, retryAfterSeconds } = advise(secret)
        const latest = (window?.start ?? never) + 1000 * retryAfterSeconds
        expect(latest).toBeLessThanOrEqual(made + 0.75 * lifeMs + 2000)
        expect(retryAfterSeconds).toBeGreaterThanOrEqual(1)
        expect(retryAfterSeconds).toBeLessThanOrEqual(3600)
      }),
    )
  })

  it('goes by the policy where that wants a rotation before the end, also of one that never ends', () => {
    for (const expiresAt of [made + 365 * day, never]) {
      const { window } = advise(secretOf({ expiresAt }), { rotateEvery: 90 * 86_400 })
      expect(window?.start).toBeGreaterThanOrEqual(made + 60 * day)
      expect(window?.end).toBeLessThanOrEqual(made + 68 * day)
    }
  })

  it('is none for a secret that never ends and that nothing wants rotated; it is asked for hourly all the same', () => {
    expect(advise(secretOf({ expiresAt: never }))).toEqual({ window: null, reason: null, retryAfterSeconds: 3600 })
  })

  it('is open for whoever holds the retiring secret: the answer with the new one was lost', () => {
    const retiring = secretOf({ slot: 'secondary', overlapStartedAt: made + 60 * day, retiresAt: made + 67 * day })
    const slots: Slots = { state: 'retiring', primary: secretOf({ createdAt: made + 60 * day }), secondary: retiring }
    expect(adviseRenewal(retiring, slots, null, null)).toMatchObject({
      window: { start: made + 60 * day, end: made + 67 * day },
    })
  })

  it('does not begin before the one before has retired: until then there can be no third', () => {
    const primary = secretOf({ expiresAt: made + 10 * day })
    const secondary = secretOf({ slot: 'secondary', retiresAt: made + 9 * day, overlapStartedAt: made })
    const { window } = adviseRenewal(primary, { state: 'retiring', primary, secondary }, null, null)
    expect(window?.start).toBe(made + 9 * day)
    expect(window?.end).toBeGreaterThan(made + 9 * day)
  })

  describe('where an administrator asks for it', () => {
    const renewal = { requestedAt: made + 10 * day, renewBy: made + 11 * day, reason: 'a backup was lost' }

    it('begins then, for every secret that there was, and says why', () => {
      for (const secret of [secretOf(), secretOf({ expiresAt: never }), secretOf({ createdAt: renewal.requestedAt })]) {
        expect(advise(secret, { renewal })).toMatchObject({
          window: { start: renewal.requestedAt, end: renewal.renewBy },
          reason: 'a backup was lost',
        })
      }
    })

    it('does not concern a secret that was made after', () => {
      const later = secretOf({ createdAt: renewal.requestedAt + 1 })
      expect(advise(later, { renewal })).toEqual(advise(later))
    })

    it('never makes a window later, or empty', () => {
      fc.assert(
        fc.property(
          life,
          fc.integer({ min: 0, max: 100 * 365 * day }),
          fc.integer({ min: 1, max: 30 * day }),
          (...ms) => {
            const secret = secretOf({ expiresAt: made + ms[0] })
            const requestedAt = made + ms[1]
            const asked = advise(secret, { renewal: { requestedAt, renewBy: requestedAt + ms[2], reason: 'x' } }).window
            const regular = advise(secret).window
            if (!asked || !regular) throw new Error('both have a window')
            expect(asked.start).toBeLessThanOrEqual(Math.min(regular.start, requestedAt))
            expect(asked.end).toBeLessThanOrEqual(regular.end)
            expect(asked.end).toBeGreaterThan(asked.start)
          },
        ),
      )
    })
  })
})
