import type { Actor, MailAbout, MailState, ReminderReason, ReminderState } from '@keyturn/contract'
import type { Generated } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Json } from './json-column.ts'

/** Who is told what and when, and the mails that go out. */
export interface ReminderSchema {
  reminder_progress: { subject_id: string; organization_id: string; next_at: Instant }
  reminder_sweeps: { organization_id: string; after_subject: string }
  reminders: RemindersTable
  reminder_acknowledgements: ReminderAcknowledgementsTable
  key_notices: KeyNoticesTable
  mails: MailsTable
  change_requests: ChangeRequestsTable
}

interface RemindersTable {
  id: string
  organization_id: string
  project_id: string | null
  /** Null: of a tracked credential. */
  key_id: string | null
  /** A secret, or a tracked credential. */
  subject_id: string
  reason: ReminderReason
  ends_at: Instant
  /** Before the end; 0: it has ended; negative: so long after it. */
  threshold_seconds: number
  channel: 'email'
  recipient: string
  state: ReminderState
  /** Goes at once instead of with the digest of the day. */
  urgent: boolean
  failure: string | null
  send_at: Instant
  mail_id: Generated<string | null>
  sent_at: Generated<Instant | null>
  created_at: Instant
}

interface ReminderAcknowledgementsTable {
  subject_id: string
  ends_at: Instant
  organization_id: string
  acknowledged_at: Instant
  acknowledged_by: Json<Actor>
}

interface KeyNoticesTable {
  id: string
  organization_id: string
  recipient: string
  /** Of the audit event that it tells of. */
  event_sequence: number
  body: string
  created_at: Instant
}

interface MailsTable {
  id: string
  organization_id: string
  recipient: string
  subject: string
  text: string
  html: string | null
  /** RFC 5322 §3.6.4, with its angle brackets: the same however often it is sent. */
  message_id: string
  about: MailAbout
  state: MailState
  attempts: Generated<number>
  /** Since when it is tried. */
  queued_at: Instant
  next_attempt_at: Instant
  /** Until then it is somebody's who is sending it. */
  leased_until: Generated<Instant | null>
  last_error: Generated<string | null>
  created_at: Instant
  sent_at: Generated<Instant | null>
}

interface ChangeRequestsTable {
  organization_id: string
  /** A secret, or a tracked credential. */
  subject_id: string
  /** Whom the link was mailed to. */
  recipient: string
  wish: 'extend' | 'rotate' | 'lapse'
  requested_at: Instant
}
