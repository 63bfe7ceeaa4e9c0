import { z } from 'zod'
import { lineOfText, timestamp } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

/** When the holder of a secret does best to renew it, in the manner of RFC 9773. */
export const renewalInfoSchema = z
  .object({
    suggested_window: z
      .object({ start: time, end: time })
      .meta({ id: 'SuggestedWindow' })
      .nullable()
      .describe('Renew once it has begun; one that has passed means now. Null: nothing calls for it, ask again later.'),
    reason: z.string().nullable().describe('Where an administrator asks for it: why.'),
    now: time.describe("The database's time, by which secrets end: go by this, not by a clock that may be wrong."),
    retry_after: z.number().int().describe('Seconds after which to ask again; in the header Retry-After, too.'),
  })
  .meta({ id: 'RenewalInfo' })
export type RenewalInfo = z.infer<typeof renewalInfoSchema>

/** What an administrator asked of the holders of all secrets that there were. */
export const renewalSchema = z
  .object({
    requested_at: time.describe('Secrets made before this are to be renewed; later ones are not concerned.'),
    renew_by: time,
    reason: z.string(),
  })
  .meta({ id: 'Renewal' })

export const renewalRequest = z
  .strictObject({
    reason: lineOfText(500).describe('Told to every holder that asks when to renew.'),
    renew_by: timestamp.optional().describe('A day from now where it is left out.'),
  })
  .meta({ id: 'RenewalRequest', example: { reason: 'A backup with settings of this project was lost' } })
export type RenewalRequest = z.infer<typeof renewalRequest>
