import { z } from 'zod'
import { keyKinds } from './keys.ts'
import { pageQuery } from './pages.ts'
import { organizationPolicyEdit, projectPolicyEdit } from './policy.ts'

/** What of a policy a key can be at odds with. */
export const policyRules = [
  'allow_never_expires',
  'max_lifetime',
  'max_overlap',
  'name_pattern',
  'refuse_vague_names',
  'rotate_every',
] as const
export type PolicyRule = (typeof policyRules)[number]

export const organizationDryRun = z
  .strictObject({ policy: organizationPolicyEdit })
  .meta({ id: 'OrganizationDryRun', example: { policy: { max_lifetime: 7_776_000, default_lifetime: 7_776_000 } } })
export const projectDryRun = z
  .strictObject({ policy: projectPolicyEdit })
  .meta({ id: 'ProjectDryRun', example: { policy: { allow_never_expires: false } } })

const counts = z.object({ keys: z.number().int(), in_use: z.number().int() })

export const dryRunAnswer = z
  .object({
    data: z
      .array(
        z
          .object({
            key_id: z.string(),
            name: z.string(),
            owner: z.string().nullable(),
            project_id: z.string(),
            kind: z.enum(keyKinds),
            in_use: z.boolean().describe('Called in the last 30 days.'),
            rules: z
              .array(z.enum(policyRules))
              .describe(
                'rotate_every: its rotation would be overdue at once. The others: it could not be made so again.',
              ),
          })
          .meta({ id: 'BrokenKey' }),
      )
      .describe('Keys that are in order now and would not be then, by id. None of them would be refused or changed.'),
    next_cursor: z.string().nullable(),
    counts: z
      .object({
        ...counts.shape,
        rules: z.record(z.enum(policyRules), counts.meta({ id: 'BrokenCount' })),
        projects_over_limit: z
          .array(
            z
              .object({ project_id: z.string(), active_keys: z.number().int(), max_active_keys: z.number().int() })
              .meta({ id: 'ProjectOverLimit' }),
          )
          .describe('Projects in which no further key could be made.'),
      })
      .meta({ id: 'DryRunCounts' })
      .nullable()
      .describe('Of all pages together; on the first one alone.'),
  })
  .meta({ id: 'DryRun' })
export type DryRun = z.infer<typeof dryRunAnswer>

export const dryRunQuery = z.strictObject(pageQuery.shape).meta({ id: 'DryRunQuery' })
