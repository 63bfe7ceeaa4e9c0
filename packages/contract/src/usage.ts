import { z } from 'zod'
import { quotaState } from './limits.ts'
import { timestamp } from './values.ts'
import { verdictCodes } from './verdicts.ts'

export const usageQuery = z
  .strictObject({ from: timestamp.optional(), to: timestamp.optional(), step: z.enum(['hour', 'day']).default('hour') })
  .meta({ id: 'UsageQuery' })

export const usageAnswer = z
  .object({
    from: z.string(),
    to: z.string(),
    data: z.array(
      z.object({
        at: z.string().describe('The beginning of the hour or of the UTC day.'),
        secret_id: z.string(),
        counts: z.partialRecord(z.enum(verdictCodes), z.number().int()).describe('Calls by verdict.'),
      }),
    ),
    last_uses: z
      .array(
        z.object({
          secret_id: z.string(),
          at: z.string(),
          address: z.string().nullable(),
          user_agent: z.string().nullable(),
          addresses: z
            .array(z.object({ address: z.string(), at: z.string(), user_agent: z.string().nullable() }))
            .describe('The last five that called, newest first, each with what it said to be.'),
        }),
      )
      .describe('Of each secret that was ever called, as far as the calls said where they came from.'),
    quota: quotaState.nullable().describe('Of the current day or month; null: the key has none.'),
  })
  .meta({ id: 'Usage' })
