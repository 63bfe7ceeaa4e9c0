import { z } from 'zod'
import { actorSchema } from './actors.ts'

/**
 *   published ──(signs_from)──► signing ──(the next one signs)──► retired        all ──► withdrawn
 */
export const signingKeyStatuses = ['published', 'signing', 'retired', 'withdrawn'] as const
export type SigningKeyStatus = (typeof signingKeyStatuses)[number]

export const signingKeySchema = z
  .object({
    id: z.string().describe('`kid` in the header of what it signs.'),
    algorithm: z.literal('EdDSA'),
    status: z.enum(signingKeyStatuses),
    in_jwks: z.boolean().describe('Is it among the public keys that verifiers read?'),
    created_at: z.string(),
    created_by: actorSchema,
    signs_from: z.string(),
    signs_until: z.string().nullable().describe('Null: until the next one takes over.'),
    last_token_ends_at: z
      .string()
      .nullable()
      .describe('The end of the last token under its signature. Null: there is none.'),
    withdrawn_at: z.string().nullable(),
  })
  .meta({ id: 'SigningKey' })
export type SigningKey = z.infer<typeof signingKeySchema>

export const signingKeyList = z.object({ data: z.array(signingKeySchema) }).meta({ id: 'SigningKeyList' })

export const signingKeyRotate = z
  .strictObject({
    withdraw: z
      .boolean()
      .optional()
      .describe(
        'After a leak: all former keys leave the set at once, and with them every token that they signed is refused offline. Rotate the JWT keys then.',
      ),
  })
  .meta({ id: 'SigningKeyRotate', example: {} })

export const signingKeyAnswer = z.object({ signing_key: signingKeySchema }).meta({ id: 'SigningKeyAnswer' })
