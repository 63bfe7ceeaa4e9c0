import { z } from 'zod'
import { endedCodes, secretSchema } from './keys.ts'

/** What operations on secrets go by: how many are live, and what the second one is. */
export const slotStates = ['none', 'one', 'staged', 'retiring'] as const

/** What to think of a secret in a cut-over. Each comes with a sentence that says the same with its times. */
export const adviceCodes = [
  // Of the old secret in a rotation
  'not_safe_to_finish',
  'new_never_called',
  'may_be_periodic',
  'safe_to_finish',
  // Of any other that lives
  'in_use',
  'unused',
  'never_called',
  // Of one that has ended
  'still_called',
  // Of a key
  'no_live_secret',
] as const
export type AdviceCode = (typeof adviceCodes)[number]

export const adviceSchema = z
  .object({ code: z.enum(adviceCodes), sentence: z.string() })
  .meta({ id: 'Advice' })
  .describe('The same twice: for programs and for people.')

const calls = z
  .object({ last_hour: z.number().int(), last_day: z.number().int(), last_30_days: z.number().int() })
  .meta({ id: 'Calls' })
  .describe('Counted by whole hours of the clock: each begins with the hour in which its beginning falls.')

export const cutOverSchema = z
  .object({
    key_id: z.string(),
    state: z.enum(slotStates),
    advice: adviceSchema,
    secrets: z
      .array(
        secretSchema
          .omit({ value: true })
          .extend({
            calls: calls.describe('Calls that passed.'),
            refused_calls: calls.describe('Calls that were refused, whatever the reason.'),
            last_refused: z
              .object({ code: z.enum(endedCodes), at: z.string() })
              .nullable()
              .describe('The last call after its end.'),
            addresses: z
              .array(z.object({ address: z.string(), at: z.string(), user_agent: z.string().nullable() }))
              .describe('The last five that called, newest first, as far as the calls said where they came from.'),
            longest_pause: z
              .number()
              .int()
              .nullable()
              .describe(
                'Seconds between two calls of the last 90 days; null: it was not called in two different hours.',
              ),
            advice: adviceSchema,
          })
          .meta({ id: 'SecretInCutOver' }),
      )
      .describe(
        'The live ones, the primary first, and the one that ended last of those still called in the last 30 days.',
      ),
    as_of: z.string().describe('What other nodes saw in the five seconds before may be missing.'),
  })
  .meta({ id: 'CutOver' })
export type CutOver = z.infer<typeof cutOverSchema>
