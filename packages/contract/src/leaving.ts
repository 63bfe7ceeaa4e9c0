import { z } from 'zod'
import { keySchema, secretSchema } from './keys.ts'
import { memberSchema } from './people.ts'
import { plainText } from './values.ts'

const leftKey = z
  .object({
    id: z.string(),
    name: z.string(),
    project_id: z.string(),
    status: z.string(),
    owned: z.boolean().describe('Its owner is their address.'),
    created: z.boolean().describe('They created it.'),
    seen: z.boolean().describe('They were shown a value that is still accepted.'),
    management: z.boolean(),
  })
  .meta({ id: 'LeftKey' })

const openLinks = z
  .object({ invitations: z.number().int(), claim_links: z.number().int(), feed_tokens: z.number().int() })
  .meta({ id: 'OpenLinks' })

export const leavingSchema = z
  .object({
    member: memberSchema,
    keys: z.array(leftKey),
    counts: z.object({ owned: z.number().int(), created: z.number().int(), seen: z.number().int() }),
    open_links: openLinks.describe('Links that they made and that are still open: removing them withdraws these.'),
  })
  .meta({ id: 'Leaving' })
export type Leaving = z.infer<typeof leavingSchema>

export const memberRemoval = z
  .strictObject({
    hand_over_to: plainText(100).min(1).nullish().describe('Id of the member who owns their keys from now on.'),
    rotate_seen: z.boolean().default(false).describe('Give every key of which they saw a value a new one.'),
    overlap: z
      .number()
      .int()
      .min(0)
      .max(365 * 86_400)
      .optional()
      .describe('Seconds that the old values go on; left out: default_overlap of the policy.'),
    force: z.boolean().default(false).describe('Even though they own keys and nobody takes these over.'),
  })
  .meta({ id: 'MemberRemoval', example: { rotate_seen: true, overlap: 604_800, force: true } })

export const removalReport = z
  .object({
    member: memberSchema,
    handed_over_to: z.object({ id: z.string(), name: z.string(), email: z.string() }).nullable(),
    withdrawn_links: openLinks,
    keys: z.array(
      z
        .object({
          ...leftKey.shape,
          handed_over: z.boolean(),
          rotation: z.enum(['rotated', 'not_wanted', 'not_seen', 'not_possible']),
          reason: z.string().nullable().describe('Why it was not possible: an error code.'),
          key: keySchema.nullable(),
          secret: secretSchema.nullable().describe('The new value of a rotated key, shown this once.'),
        })
        .meta({ id: 'RemovedMembersKey' }),
    ),
  })
  .meta({ id: 'RemovalReport' })
