import type { Selectable } from 'kysely'
import type { Schema } from '../storage/schema.ts'
import type { Reminder } from './reminder.ts'

export const toReminder = (row: Selectable<Schema['reminders']>): Reminder => ({
  id: row.id,
  organizationId: row.organization_id,
  projectId: row.project_id,
  keyId: row.key_id,
  subjectId: row.subject_id,
  reason: row.reason,
  endsAt: row.ends_at,
  threshold: row.threshold_seconds,
  channel: row.channel,
  recipient: row.recipient,
  state: row.state,
  urgent: row.urgent,
  failure: row.failure,
  sendAt: row.send_at,
  mailId: row.mail_id,
  sentAt: row.sent_at,
  createdAt: row.created_at,
})
