import type { MailAbout, MailState } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/** What is to be mailed to one address. */
export interface NewMail {
  readonly recipient: string
  readonly subject: string
  readonly text: string
  readonly html: string | null
  /** RFC 5322 §3.6.4, with its angle brackets; null: one is made. It stays the same however often the mail is sent. */
  readonly messageId: string | null
  readonly about: MailAbout
}

export interface MailRecord {
  readonly id: string
  readonly organizationId: string
  readonly recipient: string
  readonly subject: string
  readonly about: MailAbout
  readonly messageId: string
  readonly state: MailState
  readonly attempts: number
  readonly queuedAt: Instant
  readonly nextAttemptAt: Instant
  readonly lastError: string | null
  readonly createdAt: Instant
  readonly sentAt: Instant | null
}

export interface MailWithText extends MailRecord {
  readonly text: string
  readonly html: string | null
}
