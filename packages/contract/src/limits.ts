import { z } from 'zod'

const mostCalls = 1_000_000_000
const longestWindowSeconds = 30 * 86_400
const mostWindows = 5

const calls = z.number().int().min(1).max(mostCalls)

export const rateWindow = z.strictObject({
  limit: calls.describe('So many calls, or their cost, pass in each window.'),
  window_seconds: z
    .number()
    .int()
    .min(1)
    .max(longestWindowSeconds)
    .describe('A window begins with the first call after the one before has ended.'),
})
export type RateWindow = z.infer<typeof rateWindow>

/** Several hold at once, as 10 a second and 1,000 a day. */
export const rateLimit = z
  .strictObject({
    windows: z
      .array(rateWindow)
      .min(1)
      .max(mostWindows)
      .refine(
        (windows) => new Set(windows.map((window) => window.window_seconds)).size === windows.length,
        'must not have two windows of the same length',
      ),
  })
  .meta({ id: 'RateLimit', example: { windows: [{ limit: 100, window_seconds: 60 }] } })
export type RateLimit = z.infer<typeof rateLimit>

export const refills = ['daily', 'monthly'] as const
export type Refill = (typeof refills)[number]

/** So many calls from one midnight to the next, or in each month, in UTC. */
export const quota = z
  .strictObject({
    limit: calls,
    refill: z.enum(refills).describe('At each midnight, or at that of the first of each month, in UTC.'),
    on_outage: z
      .enum(['allow', 'refuse'])
      .default('allow')
      .describe('What a node does that has none left at hand and cannot ask the database.'),
  })
  .meta({ id: 'Quota', example: { limit: 10_000, refill: 'monthly', on_outage: 'allow' } })
export type Quota = z.infer<typeof quota>

/** What a verdict leaves of the windows. */
export const rateLimitLeft = z
  .object({
    windows: z.array(
      z.object({
        limit: z.number().int(),
        window_seconds: z.number().int(),
        remaining: z.number().int(),
        resets_at: z.string().nullable().describe('When this window ends; null: none has begun.'),
      }),
    ),
    retry_after: z
      .number()
      .int()
      .nullable()
      .describe('Of RATE_LIMITED: seconds until this call could pass; null: it costs more than a whole window has.'),
  })
  .meta({ id: 'RateLimitLeft' })
export type RateLimitLeft = z.infer<typeof rateLimitLeft>

/** What a verdict leaves of the quota. */
export const quotaLeft = z
  .object({
    limit: z.number().int(),
    refill: z.enum(refills),
    remaining: z
      .number()
      .int()
      .nullable()
      .describe('As far as this node knows: others may have taken more since. Null: it has not asked yet.'),
    refills_at: z.string(),
    retry_after: z.number().int().nullable().describe('Of QUOTA_EXCEEDED: seconds until this call could pass.'),
  })
  .meta({ id: 'QuotaLeft' })
export type QuotaLeft = z.infer<typeof quotaLeft>

/** As the database has it. */
export const quotaState = z
  .object({
    limit: z.number().int(),
    refill: z.enum(refills),
    drawn: z.number().int().describe('Used, or taken by a node that is about to use it.'),
    remaining: z.number().int(),
    refills_at: z.string(),
  })
  .meta({ id: 'QuotaState' })
export type QuotaState = z.infer<typeof quotaState>
