import { z } from 'zod'
import { environments, keyKinds, keySchema, slots } from './keys.ts'
import { quotaLeft, rateLimitLeft } from './limits.ts'
import { organizationSchema, projectSchema } from './organizations.ts'
import { jsonObject, scopes } from './values.ts'

/** In the order in which they are decided (VALID: none of the others). */
export const verdictCodes = [
  'VALID',
  'MALFORMED',
  'NOT_FOUND',
  'REVOKED',
  'ROTATED',
  'EXPIRED',
  'DISABLED',
  'API_ACCESS_DISABLED',
  'WRONG_PROJECT',
  'WRONG_KIND',
  'IP_NOT_ALLOWED',
  'INSUFFICIENT_SCOPE',
  'RATE_LIMITED',
  'QUOTA_EXCEEDED',
] as const
export type VerdictCode = (typeof verdictCodes)[number]

export const verifyRequest = z
  .strictObject({
    key: z.string().max(16_384).describe('What the caller presented, as it came.'),
    project: z.string().max(100).optional().describe('Id or slug: keys of other projects are WRONG_PROJECT.'),
    kinds: z.array(z.enum(keyKinds)).min(1).max(3).optional().describe('Default secret and jwt.'),
    scopes: scopes.optional().describe('All of them are wanted.'),
    ip: z.union([z.ipv4(), z.ipv6()], { error: 'must be an IPv4 or IPv6 address' }).optional(),
    cost: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .default(1)
      .describe('Counted against rate limit and quota of the key; 0: takes nothing, and neither refuses it.'),
  })
  .meta({ id: 'VerifyRequest', example: { key: 'what the caller sent', scopes: ['orders:read'], ip: '203.0.113.7' } })
export type VerifyRequest = z.infer<typeof verifyRequest>

export const verdictSchema = z
  .object({
    valid: z.boolean(),
    code: z.enum(verdictCodes),
    hint: z.string().nullable().describe('What is wrong and what to do, for whoever sent the call.'),
    key: z
      .object({
        id: z.string(),
        name: z.string(),
        organization_id: z.string(),
        project_id: z.string(),
        kind: z.enum(keyKinds),
        environment: z.enum(environments),
        owner: z.string().nullable(),
        scopes: z.array(z.string()),
        metadata: jsonObject,
      })
      .meta({ id: 'VerdictKey' })
      .nullable()
      .describe('Only where the real secret was presented.'),
    secret: z
      .object({ id: z.string(), slot: z.enum(slots) })
      .meta({ id: 'VerdictSecret' })
      .nullable(),
    expires_at: z.string().nullable().describe('When the presented secret ends or ended; null: never, or no such key.'),
    rate_limit: rateLimitLeft.nullable().describe('Null: the key has none, or was refused before it came to that.'),
    quota: quotaLeft.nullable().describe('As rate_limit; null also where that refused the call.'),
  })
  .meta({ id: 'Verdict' })
export type Verdict = z.infer<typeof verdictSchema>

/** What somebody learns of the key that they hold. */
export const ownKeySchema = z
  .object({
    valid: z.literal(true),
    code: z.enum(verdictCodes),
    key: keySchema,
    secret: verdictSchema.shape.secret,
    expires_at: z.string().nullable(),
    organization: organizationSchema.pick({ id: true, name: true, slug: true }),
    project: projectSchema.pick({ id: true, name: true, slug: true }),
  })
  .meta({ id: 'OwnKey' })
