import type * as wire from '@keyturn/contract'
import { formatTime } from '../kernel/instant.ts'
import type { MailRecord, MailWithText } from '../notifications/mail.ts'

export function toWireMail(mail: MailRecord): wire.Mail {
  return {
    id: mail.id,
    organization_id: mail.organizationId,
    recipient: mail.recipient,
    subject: mail.subject,
    about: mail.about,
    message_id: mail.messageId,
    state: mail.state,
    attempts: mail.attempts,
    next_attempt_at: mail.state === 'queued' ? formatTime(mail.nextAttemptAt) : null,
    last_error: mail.lastError,
    created_at: formatTime(mail.createdAt),
    sent_at: mail.sentAt === null ? null : formatTime(mail.sentAt),
  }
}

export const toWireMailWithText = (mail: MailWithText): wire.MailWithText => ({
  ...toWireMail(mail),
  text: mail.text,
  html: mail.html,
})
