import type * as wire from '@keyturn/contract'
import { comingOfKey, type ReminderPreview } from '../expirations/preview-reminders.ts'
import type { Reminder } from '../expirations/reminder.ts'
import { formatTime } from '../kernel/instant.ts'
import type { KeyView } from '../keys/view-keys.ts'

export function toWireReminder(reminder: Reminder): wire.Reminder {
  return {
    id: reminder.id,
    organization_id: reminder.organizationId,
    project_id: reminder.projectId,
    key_id: reminder.keyId,
    subject_id: reminder.subjectId,
    reason: reminder.reason,
    ends_at: formatTime(reminder.endsAt),
    threshold: reminder.threshold,
    channel: reminder.channel,
    recipient: reminder.recipient || null,
    state: reminder.state,
    urgent: reminder.urgent,
    failure: reminder.failure,
    send_at: formatTime(reminder.sendAt),
    mail_id: reminder.mailId,
    sent_at: reminder.sentAt === null ? null : formatTime(reminder.sentAt),
    created_at: formatTime(reminder.createdAt),
  }
}

const mostBesideKey = 10

/** Beside a key that was made or changed: what is going to be told of it. */
export const toWireComing = (view: KeyView) =>
  comingOfKey(view)
    .slice(0, mostBesideKey)
    .map(({ at, reason, threshold }) => ({ at: formatTime(at), reason, threshold }))

export function toWirePreview({ next, coming }: ReminderPreview): wire.ReminderPreview {
  return {
    next: next && {
      secret_id: next.secretId,
      reason: next.reason,
      threshold: next.threshold,
      ends_at: formatTime(next.endsAt),
      recipients: next.recipients.map(({ address, sendAt }) => ({ address, send_at: formatTime(sendAt) })),
      subject: next.subject,
      text: next.text,
      html: next.html,
    },
    coming: coming.map(({ at, reason, threshold, secretId, endsAt }) => ({
      at: formatTime(at),
      reason,
      threshold,
      secret_id: secretId,
      ends_at: formatTime(endsAt),
    })),
  }
}
