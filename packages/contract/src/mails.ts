import { z } from 'zod'
import { pageOf, pageQuery } from './pages.ts'

const time = z.string().describe('RFC 3339, UTC')

export const mailAbouts = ['reminders', 'notices', 'review', 'test', 'request'] as const
export type MailAbout = (typeof mailAbouts)[number]

/**
 *   queued ──► sent            the SMTP server has taken it
 *          ──► failed          it was refused for good, or for three days
 *          ──► not_delivered   no SMTP server is set up
 *          ──► obsolete        all that it was to say is no longer so
 */
export const mailStates = ['queued', 'sent', 'failed', 'not_delivered', 'obsolete'] as const
export type MailState = (typeof mailStates)[number]

const mail = {
  id: z.string(),
  organization_id: z.string(),
  recipient: z.string(),
  subject: z.string(),
  about: z.enum(mailAbouts),
  message_id: z.string().describe('Of the mail itself (RFC 5322): the same however often it is sent.'),
  state: z.enum(mailStates),
  attempts: z.number().int(),
  next_attempt_at: time.nullable().describe('Of one that is queued.'),
  last_error: z.string().nullable().describe('What the SMTP server said last, or why it could not be asked.'),
  created_at: time,
  sent_at: time.nullable().describe('When the SMTP server took it.'),
}

export const mailSchema = z.object(mail).meta({ id: 'Mail' })
export type Mail = z.infer<typeof mailSchema>

export const mailWithText = z
  .object({ ...mail, text: z.string(), html: z.string().nullable() })
  .meta({ id: 'MailWithText' })
export type MailWithText = z.infer<typeof mailWithText>

export const mailPage = pageOf(mailSchema)
  .extend({ smtp: z.boolean().describe('An SMTP server is set up: `SMTP_URL`. Without one nobody is mailed.') })
  .meta({ id: 'MailPage' })
export const mailQuery = z
  .strictObject({ state: z.enum(mailStates).optional(), ...pageQuery.shape })
  .meta({ id: 'MailQuery' })
export type MailQuery = z.infer<typeof mailQuery>
