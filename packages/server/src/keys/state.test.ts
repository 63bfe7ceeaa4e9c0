import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { never } from '../kernel/instant.ts'
import type { KeyState, SecretRecord } from './key.ts'
import {
  countsAgainstLimit,
  isExpiring,
  nextExpiryAt,
  refuseToChange,
  refuseToDelete,
  refuseToDisable,
  refuseToRevoke,
  statusAt,
} from './state.ts'

const hour = 3_600_000
const day = 24 * hour
const start = Date.UTC(2027, 0, 1)
const time = fc.integer({ min: 0, max: 8 }).map((hours) => start + hours * hour)
const end = fc.oneof({ weight: 5, arbitrary: time }, fc.constant(never))
const ends = fc.tuple(end, end).map(([a, b]) => ({ firstEndAt: Math.min(a, b), lastEndAt: Math.max(a, b) }))
const anyState = fc.constantFrom<KeyState>('active', 'disabled', 'revoked', 'deleted')

describe('the status of a key', () => {
  it('is what somebody set, else what the clock says', () => {
    fc.assert(
      fc.property(anyState, ends, time, (state, keyEnds, now) => {
        const isOver = keyEnds.lastEndAt <= now
        const expected = {
          active: isOver ? 'expired' : 'active',
          disabled: 'disabled',
          revoked: 'revoked',
          deleted: 'revoked',
        }[state]
        expect(statusAt({ state, ...keyEnds }, now)).toBe(expected)
      }),
    )
  })

  it('turns to expired at the very millisecond of its last end', () => {
    const key = { state: 'active', firstEndAt: start, lastEndAt: start + hour } as const
    expect([start, start + hour - 1, start + hour].map((now) => statusAt(key, now))).toEqual([
      'active',
      'active',
      'expired',
    ])
  })
})

describe('the next expiry', () => {
  it('is the earliest end still to come, else the last one that has been', () => {
    fc.assert(
      fc.property(ends, time, (keyEnds, now) => {
        const both = [keyEnds.firstEndAt, keyEnds.lastEndAt]
        const toCome = both.filter((one) => one > now)
        expect(nextExpiryAt(keyEnds, now)).toBe(toCome.length > 0 ? Math.min(...toCome) : Math.max(...both))
      }),
    )
  })
})

describe('the limit', () => {
  it('counts active and disabled keys that have a live secret, and no others', () => {
    fc.assert(
      fc.property(anyState, ends, time, (state, keyEnds, now) => {
        const status = statusAt({ state, ...keyEnds }, now)
        const counts = status === 'active' || (status === 'disabled' && keyEnds.lastEndAt > now)
        expect(countsAgainstLimit({ state, ...keyEnds }, now)).toBe(counts)
      }),
    )
  })
})

describe('expiring', () => {
  const secretOf = (lifeDays: number): SecretRecord => ({
    id: 'sec_1',
    keyId: 'key_1',
    slot: 'primary',
    hint: '',
    value: null,
    createdAt: start,
    expiresAt: start + lifeDays * day,
    retiresAt: null,
    overlapStartedAt: null,
    endedAt: null,
    endedBy: null,
  })
  const thresholds = [60, 30, 14, 7, 3, 1].map((days) => (days * day) / 1000)
  const isExpiringAfter = (secret: SecretRecord, days: number) => isExpiring([secret], thresholds, start + days * day)

  it('begins with the longest threshold that is no more than a third of the life', () => {
    // A year: 60 days before. 100 days: 30. 10 days: 3, as 7 is more than a third of 10.
    for (const [life, threshold] of [
      [365, 60],
      [100, 30],
      [10, 3],
    ] as const) {
      const secret = secretOf(life)
      expect(isExpiringAfter(secret, life - threshold - 0.001), `${life}: too early`).toBe(false)
      expect(isExpiringAfter(secret, life - threshold), `${life}: at its threshold`).toBe(true)
    }
  })

  it('is over when the secret is, and never begins for one without an end or with so short a life', () => {
    expect(isExpiringAfter(secretOf(365), 365)).toBe(false)
    expect(isExpiringAfter({ ...secretOf(365), expiresAt: never }, 300)).toBe(false)
    expect(isExpiringAfter(secretOf(2), 1.99)).toBe(false)
    expect(isExpiringAfter({ ...secretOf(365), endedAt: start + 350 * day, endedBy: 'revoke' }, 351)).toBe(false)
  })

  it('looks at the end of an overlap as at any other', () => {
    const retiring = { ...secretOf(365), retiresAt: start + 200 * day }
    expect(isExpiringAfter(retiring, 139)).toBe(false)
    expect(isExpiringAfter(retiring, 141)).toBe(true)
  })
})

describe('what may happen to a key', () => {
  it('that is revoked: nothing but being deleted', () => {
    const key = { state: 'revoked', legacy: false } as const
    expect(refuseToChange(key)).toBe('key_revoked')
    expect(refuseToDisable(key)).toBe('key_revoked')
    expect(refuseToDelete(key)).toBeUndefined()
  })

  it('that is legacy: it is never disabled, revoked or deleted', () => {
    const key = { state: 'active', legacy: true } as const
    expect(refuseToChange(key)).toBeUndefined()
    expect([refuseToDisable(key), refuseToRevoke(key), refuseToDelete(key)]).toEqual([
      'legacy_key_cannot_be_disabled',
      'legacy_key_cannot_be_revoked',
      'legacy_key_cannot_be_deleted',
    ])
  })

  it('that is active or disabled: everything', () => {
    for (const state of ['active', 'disabled'] as const) {
      const key = { state, legacy: false }
      expect([refuseToChange, refuseToDisable, refuseToRevoke, refuseToDelete].map((refuse) => refuse(key))).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ])
    }
  })
})
