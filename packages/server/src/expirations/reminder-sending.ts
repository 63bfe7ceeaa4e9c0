import { administratorsHearWithin, type ReminderReason } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

const dayMs = 86_400_000
const hour = 3600

/** What is told of what, as far as it decides who hears of it and when. */
export interface Told {
  readonly reason: ReminderReason
  readonly threshold: number
  readonly endsAt: Instant
  readonly owner: string | null
  readonly contact: string | null
  /** Called in the last 30 days; null: nobody can know. */
  readonly inUse: boolean | null
}

/** Whom an organization has. */
export interface Audience {
  readonly administrators: readonly string[]
  /** Addresses of people who are gone. */
  readonly gone: ReadonlySet<string>
  readonly notificationEmail: string | null
  /** Of channels that hear of everything. */
  readonly channels: readonly string[]
}

/**
 * Who is told: owner and contact, and the administrators too once it is near. Whoever is gone is not told: the administrators stand in for
 * an owner, and where there are none, the organization's address. Each address once; none: there is nobody at all.
 */
export function recipientsOf(told: Told, { administrators, gone, notificationEmail, channels }: Audience): string[] {
  const isThere = (address: string | null) => address !== null && !gone.has(address)
  const standIns = administrators.length > 0 ? administrators : [notificationEmail]
  const isNear =
    told.threshold <= administratorsHearWithin || told.reason === 'overlap_end' || told.reason === 'used_after_end'
  const named = [told.owner, told.contact].filter(isThere)
  const all = [
    ...named,
    ...(isNear ? administrators : []),
    ...(isThere(told.owner) ? [] : standIns),
    ...channels,
  ].filter((address) => address !== null)
  return [...new Set(all)]
}

/**
 * With the digest of the morning, or at once: what ends within a day and is in use, what would be over by then, what leaves an hour, and
 * that something is being refused.
 *
 * @param morning when the recipient's next digest goes
 */
export function isUrgent({ reason, threshold, endsAt, inUse }: Told, morning: Instant, now: Instant): boolean {
  if (reason === 'used_after_end') return true
  if (reason === 'rotation_due') return false
  if (reason === 'overlap_end' && threshold <= hour) return true
  return (inUse === true && endsAt <= now + dayMs) || (endsAt > now && endsAt <= morning)
}
