import { z } from 'zod'
import { isPrintable, longestSeconds } from './values.ts'

const day = 86_400
const lifetime = z.number().int().min(1).max(longestSeconds)

/**
 * The rules of an organization, for keys made from now on; keys that exist keep what they have. Durations are in seconds.
 * A project may only lower numbers, forbid, or add thresholds.
 */
export const policySchema = z
  .strictObject({
    default_lifetime: lifetime.describe('Given to a key that names no expiry.'),
    max_lifetime: lifetime.nullable().describe('From the creation of a secret to its end; null: none.'),
    allow_never_expires: z.boolean(),
    max_active_keys: z.number().int().min(1).max(10_000_000).describe('Per project, all kinds together.'),
    default_overlap: z
      .number()
      .int()
      .min(0)
      .max(365 * day)
      .describe('How long the old secret goes on after a rotation.'),
    max_overlap: z
      .number()
      .int()
      .min(0)
      .max(365 * day),
    reminder_thresholds: z
      .array(
        z
          .number()
          .int()
          .min(3600)
          .max(365 * day),
      )
      .min(1)
      .max(20),
    rotate_every: lifetime.nullable(),
    review_every: lifetime.nullable(),
    idle_after: lifetime.nullable(),
    name_pattern: z
      .string()
      .min(1)
      .max(200)
      .refine(isPrintable, 'must not contain control characters, line breaks or direction overrides')
      .refine(isPattern, 'must be a regular expression (ECMAScript, with the flag u)')
      .nullable()
      .describe('A regular expression that the whole name must match.'),
    refuse_vague_names: z.boolean(),
  })
  .meta({ id: 'Policy' })

/** By itself too: `a)|(?:b` is none, but would become one between the brackets that make it match the whole name. */
function isPattern(source: string): boolean {
  try {
    return [source, `^(?:${source})$`].every((pattern) => new RegExp(pattern, 'u') instanceof RegExp)
  } catch {
    return false
  }
}

const rules = policySchema.shape

export type Policy = z.infer<typeof policySchema>

/** Where neither the organization nor the project says otherwise. */
export const defaultPolicy: Policy = {
  default_lifetime: 365 * day,
  max_lifetime: 2 * 365 * day,
  allow_never_expires: false,
  max_active_keys: 50,
  default_overlap: 7 * day,
  max_overlap: 30 * day,
  reminder_thresholds: [60 * day, 30 * day, 14 * day, 7 * day, 3 * day, day],
  rotate_every: null,
  review_every: 90 * day,
  idle_after: 90 * day,
  name_pattern: null,
  refuse_vague_names: false,
}

/** What an organization changes of its policy: only the fields given. */
export const organizationPolicyEdit = policySchema.partial().meta({ id: 'OrganizationPolicyEdit' })
export type OrganizationPolicyEdit = z.infer<typeof organizationPolicyEdit>

/** What a project sets for itself. Null takes its own rule away, and the organization's holds again. */
export const projectPolicyEdit = z
  .strictObject({
    default_lifetime: rules.default_lifetime.nullable(),
    max_lifetime: rules.max_lifetime,
    allow_never_expires: rules.allow_never_expires.nullable(),
    max_active_keys: rules.max_active_keys.nullable(),
    default_overlap: rules.default_overlap.nullable(),
    max_overlap: rules.max_overlap.nullable(),
    reminder_thresholds: rules.reminder_thresholds.nullable(),
    rotate_every: rules.rotate_every,
    review_every: rules.review_every,
    idle_after: rules.idle_after,
    name_pattern: rules.name_pattern,
    refuse_vague_names: rules.refuse_vague_names.nullable(),
  } satisfies Record<keyof Policy, z.ZodType>)
  .partial()
  .meta({ id: 'ProjectPolicyEdit' })
export type ProjectPolicyEdit = z.infer<typeof projectPolicyEdit>
