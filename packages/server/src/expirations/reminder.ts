import type { ReminderReason, ReminderState } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/** Something that is told to somebody once, or is going to be. */
export interface Reminder {
  readonly id: string
  readonly organizationId: string
  readonly projectId: string | null
  /** Null: of a tracked credential. */
  readonly keyId: string | null
  /** A secret, or a tracked credential. */
  readonly subjectId: string
  readonly reason: ReminderReason
  readonly endsAt: Instant
  /** Seconds before the end; 0: it has come; below: so long after it. */
  readonly threshold: number
  readonly channel: 'email'
  /** Empty: there is nobody. */
  readonly recipient: string
  readonly state: ReminderState
  readonly urgent: boolean
  readonly failure: string | null
  readonly sendAt: Instant
  readonly mailId: string | null
  readonly sentAt: Instant | null
  readonly createdAt: Instant
}

export const nobodyToTell = 'nobody_to_tell'

/** What makes it the one that it is: told once, whatever happens. */
export const markOf = ({ subjectId, reason, endsAt, threshold, channel, recipient }: Reminder): string =>
  JSON.stringify([subjectId, reason, endsAt, threshold, channel, recipient])
