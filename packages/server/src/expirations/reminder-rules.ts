import { announcedThresholds, type ReminderReason } from '@keyturn/contract'
import { type Instant, never, seconds } from '../kernel/instant.ts'
import type { SecretRecord } from '../keys/key.ts'
import { endOf } from '../keys/secret.ts'
import { normalise } from '../keys/slots.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'

/** Reasons that have a date. That an ended secret is called is found out by the calls. */
export type AnnouncedReason = Exclude<ReminderReason, 'used_after_end'>

/** A date that is announced beforehand. */
export interface Announcement {
  readonly reason: AnnouncedReason
  readonly endsAt: Instant
  /** Seconds before it at which it is announced, longest first; 0: when it has come. */
  readonly thresholds: readonly number[]
  /** Only if it was called within so long; null: in any case. */
  readonly onlyIfCalledWithinMs: number | null
}

export type ReminderPolicy = Pick<EffectivePolicy, 'reminder_thresholds' | 'rotate_every'>

const hour = 3600
const dayMs = 86_400_000

/** That it has ended is news for a week. */
export const tellEndWithinMs = 7 * dayMs

// An overlap that nobody needed may begin to be needed: it is looked at again until it is past.
const lookAgainMs = 5 * 60_000

/**
 * What is announced of a secret: its end, or that of its overlap, and when the policy wants another in its place. Nothing of one that
 * somebody has ended.
 *
 * @param all secrets of its key
 */
export function announcementsOf(
  secret: SecretRecord,
  all: readonly SecretRecord[],
  policy: ReminderPolicy,
  now: Instant,
): Announcement[] {
  if (secret.endedAt !== null) return []
  const end = isHandingOver(secret, all) ? overlapEnd(secret) : expiry(secret.createdAt, endOf(secret), policy)
  const due = rotationDue(secret, all, policy, now)
  return [end, due].filter((one) => one !== null)
}

/** Of a credential that somebody else issued. */
export function announcementsOfCredential(
  credential: { readonly renewedAt: Instant; readonly expiresAt: Instant },
  policy: ReminderPolicy,
): Announcement[] {
  const end = expiry(credential.renewedAt, credential.expiresAt, policy)
  return end === null ? [] : [end]
}

/** In an overlap, and another secret goes on after it. Without one the end of the overlap is the end of the key. */
function isHandingOver(secret: SecretRecord, all: readonly SecretRecord[]): boolean {
  const end = endOf(secret)
  return (
    secret.retiresAt !== null &&
    all.some((other) => other.id !== secret.id && other.createdAt < end && endOf(other) > end)
  )
}

function expiry(begin: Instant, end: Instant, { reminder_thresholds }: ReminderPolicy): Announcement | null {
  if (end === never) return null
  const thresholds = announcedThresholds(reminder_thresholds, begin, end)
  return { reason: 'expiry', endsAt: end, thresholds, onlyIfCalledWithinMs: null }
}

function overlapEnd(secret: SecretRecord): Announcement {
  const end = endOf(secret)
  const halfMs = (end - (secret.overlapStartedAt ?? secret.createdAt)) / 2
  const half = Math.floor(halfMs / 1000)
  return {
    reason: 'overlap_end',
    endsAt: end,
    thresholds: half > hour ? [half, hour] : [half],
    onlyIfCalledWithinMs: Math.min(dayMs, halfMs),
  }
}

/** Of the primary alone: a secondary is on its way in or out. */
function rotationDue(
  secret: SecretRecord,
  all: readonly SecretRecord[],
  policy: ReminderPolicy,
  now: Instant,
): Announcement | null {
  if (policy.rotate_every === null) return null
  const slots = normalise(all, now)
  if (slots.state === 'none' || slots.primary.id !== secret.id) return null
  const due = secret.createdAt + seconds(policy.rotate_every)
  const thresholds = announcedThresholds(policy.reminder_thresholds, secret.createdAt, due)
  return { reason: 'rotation_due', endsAt: due, thresholds, onlyIfCalledWithinMs: null }
}

/**
 * The threshold that is to be told now; null: none. It is the nearest one passed: larger ones that were missed are never told, nor is one
 * as large as one that was, whichever way the clock was moved since.
 *
 * @param told the smallest that was told of this date
 */
export function dueThreshold(
  announcement: Announcement,
  told: number | null,
  lastUsedAt: Instant | null,
  now: Instant,
): number | null {
  const nearest = nearestPassed(announcement, now)
  if (nearest === null || (told !== null && nearest >= told)) return null
  return wasCalledEnough(announcement, lastUsedAt, now) ? nearest : null
}

function nearestPassed({ reason, endsAt, thresholds }: Announcement, now: Instant): number | null {
  if (now >= endsAt && (reason === 'overlap_end' || now >= endsAt + tellEndWithinMs)) return null
  return thresholds.findLast((threshold) => momentOf(endsAt, threshold) <= now) ?? null
}

const wasCalledEnough = ({ onlyIfCalledWithinMs: within }: Announcement, lastUsedAt: Instant | null, now: Instant) =>
  within === null || (lastUsedAt !== null && lastUsedAt >= now - within)

export const momentOf = (endsAt: Instant, threshold: number): Instant => endsAt - seconds(threshold)

/**
 * When to look at it again. Null: never, all is told.
 *
 * @param tell what was told of each announcement, by now
 * @param otherEnds of the other secrets of its key: with each of them another one may be the primary
 */
export function nextLook(
  announcements: readonly Announcement[],
  tell: (announcement: Announcement) => number | null,
  otherEnds: readonly Instant[],
  now: Instant,
): Instant | null {
  const moments = announcements.flatMap((announcement) => {
    const { endsAt, thresholds } = announcement
    const coming = thresholds.map((threshold) => momentOf(endsAt, threshold)).filter((moment) => moment > now)
    const nearest = nearestPassed(announcement, now)
    const told = tell(announcement)
    const waits = nearest !== null && (told === null || nearest < told)
    return waits ? [...coming, now + lookAgainMs] : coming
  })
  const next = Math.min(...moments, ...otherEnds.filter((end) => end > now))
  return next === never ? null : next
}

/** What is still to be told, if nothing changes. */
export interface ComingReminder {
  readonly at: Instant
  readonly reason: AnnouncedReason
  readonly threshold: number
}

/** Soonest first. Of an overlap it is told only if the old secret is still called then. */
export function comingReminders(announcements: readonly Announcement[], now: Instant): ComingReminder[] {
  return announcements
    .flatMap(({ reason, endsAt, thresholds }) =>
      thresholds.map((threshold) => ({ at: momentOf(endsAt, threshold), reason, threshold })),
    )
    .filter(({ at }) => at > now)
    .toSorted((a, b) => a.at - b.at || a.threshold - b.threshold)
}

/** Somebody has said that they know: all are quiet but the last two, and that it has come. */
export function isQuieted({ thresholds }: Announcement, threshold: number): boolean {
  return (
    !thresholds
      .filter((one) => one > 0)
      .slice(-2)
      .includes(threshold) && threshold > 0
  )
}

/**
 * Is it to be told that an ended secret is called? At once, then once a day while that goes on.
 *
 * @param toldAt when that was told last
 */
export function isAlertDue(
  { endsAt, lastRefusedAt, toldAt }: { endsAt: Instant; lastRefusedAt: Instant; toldAt: Instant | null },
  now: Instant,
): boolean {
  if (lastRefusedAt < endsAt || lastRefusedAt < now - tellEndWithinMs) return false
  return toldAt === null || (lastRefusedAt > toldAt && now >= toldAt + dayMs)
}
