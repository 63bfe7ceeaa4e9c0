import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { environments, keyKinds } from './keys.ts'
import { pageOf, pageQuery } from './pages.ts'
import { plainText } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

/** What somebody should look at, what presses most first. Findings are listed in this order. */
export const findingCodes = [
  'ended_secret_called',
  'nobody_would_be_told',
  'owner_gone',
  'many_networks',
  'never_expires',
  'unused',
  'never_used',
  'review_due',
  'duplicate_name',
  'vague_name',
  'legacy_key_called',
] as const
export type FindingCode = (typeof findingCodes)[number]

export const findingSchema = z
  .object({
    id: z.string().describe('The same for the same finding about the same key.'),
    code: z.enum(findingCodes),
    detail: z.string().describe('What was found.'),
    what_to_do: z.string(),
    key_id: z.string(),
    name: z.string(),
    owner: z.string().nullable(),
    contact: z.string().nullable(),
    organization_id: z.string(),
    project_id: z.string(),
    kind: z.enum(keyKinds),
    environment: z.enum(environments),
    management: z.boolean(),
    legacy: z.boolean(),
    created_at: time,
    created_by: actorSchema,
    last_used_at: time.nullable(),
    reviewed_at: time.nullable(),
  })
  .meta({ id: 'Finding' })
export type Finding = z.infer<typeof findingSchema>

export const findingPage = pageOf(findingSchema).meta({ id: 'FindingPage' })

export const findingQuery = z
  .strictObject({
    code: z
      .string()
      .max(300)
      .transform((text) => text.split(','))
      .pipe(z.array(z.enum(findingCodes)).min(1))
      .optional()
      .describe('Several with commas.'),
    owner: plainText(254).toLowerCase().optional(),
    project: plainText(200).optional().describe('Id or slug.'),
    ...pageQuery.shape,
  })
  .meta({ id: 'FindingQuery' })
export type FindingQuery = z.infer<typeof findingQuery>
