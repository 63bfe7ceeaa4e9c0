import { z } from 'zod'
import { pageOf, pageQuery } from './pages.ts'
import { plainText } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

/** Why somebody is told of a secret or a tracked credential. */
export const reminderReasons = ['expiry', 'overlap_end', 'rotation_due', 'used_after_end'] as const
export type ReminderReason = (typeof reminderReasons)[number]

/**
 *   planned ──► sent            a mail server has taken it
 *           ──► failed          it could not be sent, or there is nobody to tell
 *           ──► not_delivered   no mail server is set up
 *           ──► quieted         somebody has acknowledged it
 *           ──► obsolete        it was no longer so when it was to go
 */
export const reminderStates = ['planned', 'sent', 'failed', 'not_delivered', 'quieted', 'obsolete'] as const
export type ReminderState = (typeof reminderStates)[number]

const threshold = z
  .number()
  .int()
  .describe('Seconds before `ends_at`; 0: it has come; below 0: so long after it, for `used_after_end`.')

export const reminderSchema = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    project_id: z.string().nullable(),
    key_id: z.string().nullable(),
    subject_id: z.string().describe('The secret (`sec_…`) or the tracked credential (`trc_…`).'),
    reason: z.enum(reminderReasons),
    ends_at: time.describe('The date that it is about: of `rotation_due`, when another secret is wanted.'),
    threshold,
    channel: z.literal('email'),
    recipient: z.string().nullable().describe('Null: there is nobody to tell.'),
    state: z.enum(reminderStates),
    urgent: z.boolean().describe('It goes at once instead of with the digest of the day.'),
    failure: z.string().nullable().describe('What the mail server said, or `nobody_to_tell`.'),
    send_at: time,
    mail_id: z.string().nullable(),
    sent_at: time.nullable(),
    created_at: time,
  })
  .meta({ id: 'Reminder' })
export type Reminder = z.infer<typeof reminderSchema>

export const reminderPage = pageOf(reminderSchema).meta({ id: 'ReminderPage' })
export const reminderQuery = z
  .strictObject({
    state: z.enum(reminderStates).optional(),
    key: plainText(100).optional().describe('Id of a key.'),
    recipient: plainText(254).toLowerCase().optional(),
    ...pageQuery.shape,
  })
  .meta({ id: 'ReminderQuery' })
export type ReminderQuery = z.infer<typeof reminderQuery>

export const comingReminder = z
  .object({
    at: time.describe('When it is due; it goes with the next digest, or at once where that would be too late.'),
    reason: z.enum(reminderReasons),
    threshold,
  })
  .meta({ id: 'ComingReminder' })
export type ComingReminder = z.infer<typeof comingReminder>

/** Beside a key that was made or changed. */
export const comingReminders = z
  .array(comingReminder)
  .describe('What is going to be told of it if nothing changes, soonest first, at most ten.')

export const reminderPreview = z
  .object({
    next: z
      .object({
        secret_id: z.string(),
        reason: z.enum(reminderReasons),
        threshold,
        ends_at: time,
        recipients: z
          .array(z.object({ address: z.string(), send_at: time }).meta({ id: 'PreviewedRecipient' }))
          .describe('Empty: there is nobody to tell.'),
        subject: z.string(),
        text: z.string(),
        html: z.string(),
      })
      .meta({ id: 'PreviewedMail' })
      .nullable()
      .describe('As its first recipient would get it; its links lead nowhere. Null: nothing is to come.'),
    coming: z.array(
      comingReminder.extend({ secret_id: z.string(), ends_at: time }).meta({ id: 'ComingReminderOfSecret' }),
    ),
  })
  .meta({ id: 'ReminderPreview' })
export type ReminderPreview = z.infer<typeof reminderPreview>
