import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { never } from '../kernel/instant.ts'
import type { SecretRecord } from '../keys/key.ts'
import {
  type Announcement,
  announcementsOf,
  comingReminders,
  dueThreshold,
  isAlertDue,
  isQuieted,
  momentOf,
  nextLook,
} from './reminder-rules.ts'

const hour = 3_600_000
const day = 24 * hour
const days = (count: number) => count * 86_400
const rules = { reminder_thresholds: [60, 30, 14, 7, 3, 1].map(days), rotate_every: null }

const secretOf = (fields: Partial<SecretRecord> = {}): SecretRecord => ({
  id: 'sec_a',
  keyId: 'key_a',
  slot: 'primary',
  hint: 'kt_live_',
  value: null,
  createdAt: 0,
  expiresAt: 365 * day,
  retiresAt: null,
  overlapStartedAt: null,
  endedAt: null,
  endedBy: null,
  ...fields,
})
const retiring = secretOf({ slot: 'secondary', retiresAt: 108 * day, overlapStartedAt: 100 * day })
const successor = secretOf({ id: 'sec_b', createdAt: 100 * day, expiresAt: 465 * day })

describe('what is announced', () => {
  it('of a secret is its end, at the thresholds that fit into its life, and when it has come', () => {
    const of = (expiresAt: number) => announcementsOf(secretOf({ expiresAt }), [secretOf({ expiresAt })], rules, 0)
    expect(of(365 * day)).toEqual([
      {
        reason: 'expiry',
        endsAt: 365 * day,
        thresholds: [60, 30, 14, 7, 3, 1, 0].map(days),
        onlyIfCalledWithinMs: null,
      },
    ])
    expect(of(10 * day)[0]?.thresholds).toEqual([days(3), days(1), 0])
    expect(of(hour)[0]?.thresholds).toEqual([0])
    expect(of(never)).toEqual([])
  })

  it('of an old secret in an overlap is the end of that, at half time and an hour before, while it is called', () => {
    const [end, ...more] = announcementsOf(retiring, [retiring, successor], rules, 101 * day)
    expect(more).toEqual([])
    expect(end).toEqual({
      reason: 'overlap_end',
      endsAt: 108 * day,
      thresholds: [days(4), 3600],
      onlyIfCalledWithinMs: day,
    })
    const short = { ...retiring, retiresAt: 100 * day + hour }
    expect(announcementsOf(short, [short, successor], rules, 100 * day)[0]?.thresholds).toEqual([1800])
  })

  it('of an old secret whose successor was revoked is the end of the key', () => {
    const revoked = { ...successor, endedAt: 101 * day, endedBy: 'revoke' as const }
    expect(announcementsOf(retiring, [retiring, revoked], rules, 102 * day)[0]).toMatchObject({
      reason: 'expiry',
      endsAt: 108 * day,
    })
  })

  it('is nothing of what somebody has ended', () => {
    const ended = secretOf({ endedAt: day, endedBy: 'revoke' })
    expect(announcementsOf(ended, [ended], rules, 2 * day)).toEqual([])
  })

  it('is a rotation, where the policy wants one: of the primary alone, whether it ends or not', () => {
    const rotating = { ...rules, rotate_every: days(90) }
    const endless = secretOf({ expiresAt: never })
    expect(announcementsOf(endless, [endless], rotating, day)).toMatchObject([
      { reason: 'rotation_due', endsAt: 90 * day, thresholds: [30, 14, 7, 3, 1, 0].map(days) },
    ])
    const reasons = (secret: SecretRecord) =>
      announcementsOf(secret, [retiring, successor], rotating, 101 * day).map(({ reason }) => reason)
    expect([reasons(retiring), reasons(successor)]).toEqual([['overlap_end'], ['expiry', 'rotation_due']])
  })
})

const arbitraryAnnouncement: fc.Arbitrary<Announcement> = fc
  .record({
    endsAt: fc.integer({ min: 400, max: 800 }).map((count) => count * day),
    before: fc.uniqueArray(fc.integer({ min: 1, max: 100 * 86_400 }), { maxLength: 8 }),
  })
  .map(({ endsAt, before }) => ({
    reason: 'expiry',
    endsAt,
    thresholds: [...before.toSorted((a, b) => b - a), 0],
    onlyIfCalledWithinMs: null,
  }))

describe('when it is told', () => {
  it('every threshold once, however often it is looked at, if it is looked at often enough', () => {
    fc.assert(
      fc.property(arbitraryAnnouncement, fc.integer({ min: 1, max: 48 }), (announcement, everyHours) => {
        const told: number[] = []
        const begin = announcement.endsAt - 110 * day
        for (let now = begin; now < announcement.endsAt + 8 * day; now += everyHours * hour) {
          const due = dueThreshold(announcement, told.at(-1) ?? null, null, now)
          if (due !== null) told.push(due)
        }
        // Those of which the moments lie between the same two looks count as the nearest of them.
        const look = (threshold: number) =>
          Math.ceil((momentOf(announcement.endsAt, threshold) - begin) / (everyHours * hour))
        const wanted = announcement.thresholds.filter(
          (threshold) => !announcement.thresholds.some((other) => other < threshold && look(other) === look(threshold)),
        )
        expect(told).toEqual(wanted)
      }),
    )
  })

  it('never one that is as large as one that was, whatever the clock does', () => {
    const moves = fc.array(fc.integer({ min: -50 * 24, max: 50 * 24 }), { maxLength: 60 })
    fc.assert(
      fc.property(arbitraryAnnouncement, moves, (announcement, hours) => {
        const told: number[] = []
        let now = announcement.endsAt - 110 * day
        for (const ahead of hours) {
          now += ahead * hour
          const due = dueThreshold(announcement, told.at(-1) ?? null, null, now)
          if (due !== null) told.push(due)
        }
        expect(told).toEqual([...new Set(told)].toSorted((a, b) => b - a))
      }),
    )
  })

  it('by looks that sleep until the next one says so, exactly what looks without pause tell', () => {
    fc.assert(
      fc.property(arbitraryAnnouncement, fc.integer({ min: 0, max: 120 }), (announcement, daysBefore) => {
        let now: number | null = announcement.endsAt - daysBefore * day
        const first = now
        let told: number | null = null
        const all: number[] = []
        while (now !== null) {
          const due = dueThreshold(announcement, told, null, now)
          if (due !== null) all.push((told = due))
          const last: number | null = told
          now = nextLook([announcement], () => last, [], now)
        }
        const passed = announcement.thresholds.filter((threshold) => momentOf(announcement.endsAt, threshold) <= first)
        const nearest = passed.length > 0 ? [Math.min(...passed)] : []
        expect(all).toEqual([...nearest, ...announcement.thresholds.filter((threshold) => !passed.includes(threshold))])
      }),
    )
  })

  it('of an overlap only while the old secret is called, and never after it', () => {
    const [overlap] = announcementsOf(retiring, [retiring, successor], rules, 104 * day)
    if (!overlap) throw new Error('there is one')
    const at = 104 * day + hour
    expect(dueThreshold(overlap, null, null, at)).toBeNull()
    expect(dueThreshold(overlap, null, at - 2 * day, at)).toBeNull()
    expect(dueThreshold(overlap, null, at - 2 * hour, at)).toBe(days(4))
    expect(nextLook([overlap], () => null, [], at)).toBe(at + 300_000)
    expect(nextLook([overlap], () => days(4), [], at)).toBe(108 * day - hour)
    expect(dueThreshold(overlap, days(4), 108 * day - 1, 108 * day)).toBeNull()
    expect(nextLook([overlap], () => null, [], 108 * day)).toBeNull()
  })

  it('that it has ended, for a week', () => {
    const [end] = announcementsOf(secretOf(), [secretOf()], rules, 0)
    if (!end) throw new Error('there is one')
    expect(dueThreshold(end, null, null, 372 * day - 1)).toBe(0)
    expect(dueThreshold(end, null, null, 372 * day)).toBeNull()
  })

  it('is said beforehand, soonest first', () => {
    const announcements = announcementsOf(secretOf(), [secretOf()], rules, 0)
    expect(comingReminders(announcements, 360 * day).map(({ threshold }) => threshold)).toEqual([3, 1, 0].map(days))
    expect(comingReminders(announcements, 365 * day)).toEqual([])
  })

  it('acknowledged, the last two and that it has come', () => {
    const [end] = announcementsOf(secretOf(), [secretOf()], rules, 0)
    if (!end) throw new Error('there is one')
    expect(end.thresholds.filter((threshold) => !isQuieted(end, threshold))).toEqual([3, 1, 0].map(days))
  })
})

describe('that an ended secret is called', () => {
  it('alerts at once, then a day later if it was called since, and not for what is a week ago', () => {
    const due = (lastRefusedAt: number, toldAt: number | null, now: number) =>
      isAlertDue({ endsAt: 10 * day, lastRefusedAt, toldAt }, now)
    expect(due(10 * day, null, 10 * day)).toBe(true)
    expect(due(9 * day, null, 10 * day)).toBe(false)
    expect(due(10 * day + hour, 10 * day, 10 * day + 2 * hour)).toBe(false)
    expect(due(10 * day + hour, 10 * day, 11 * day)).toBe(true)
    expect(due(10 * day - 1, 10 * day, 11 * day)).toBe(false)
    expect(due(11 * day, null, 18 * day + 1)).toBe(false)
    expect(due(12 * day, 13 * day, 11 * day)).toBe(false)
  })
})
