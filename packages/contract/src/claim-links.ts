import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { pageOf, pageQuery } from './pages.ts'

const day = 86_400
const time = z.string().describe('RFC 3339, UTC')

export const claimLinkStatuses = ['open', 'claimed', 'withdrawn', 'expired'] as const
export type ClaimLinkStatus = (typeof claimLinkStatuses)[number]

/** Long enough for somebody who reads mail once a week, and never longer than anybody remembers whom it was sent to. */
export const claimLinkCreate = z
  .strictObject({
    expires_in: z
      .number()
      .int()
      .min(60)
      .max(30 * day)
      .optional()
      .describe('Seconds from now until the link can be used no more; a week where it is left out.'),
  })
  .meta({ id: 'ClaimLinkCreate', example: { expires_in: 3 * day } })
export type ClaimLinkCreate = z.infer<typeof claimLinkCreate>

export const claimLinkSchema = z
  .object({
    id: z.string(),
    key_id: z.string(),
    status: z.enum(claimLinkStatuses),
    created_at: time,
    created_by: actorSchema,
    expires_at: time,
    claimed_at: time.nullable(),
    withdrawn_at: time.nullable(),
    secret_id: z.string().nullable().describe('The secret that was made when the link was claimed.'),
  })
  .meta({ id: 'ClaimLink' })
export type ClaimLink = z.infer<typeof claimLinkSchema>

/** The only answer that has the link in it: only a digest of it is kept. */
export const claimLinkCreated = claimLinkSchema
  .extend({ url: z.string().nullable().describe('To be sent to whoever is to have the secret; at creation alone.') })
  .meta({ id: 'ClaimLinkCreated' })
export type ClaimLinkCreated = z.infer<typeof claimLinkCreated>

export const claimLinkQuery = z.strictObject(pageQuery.shape).meta({ id: 'ClaimLinkQuery' })
export const claimLinkPage = pageOf(claimLinkSchema).meta({ id: 'ClaimLinkPage' })
