import { z } from 'zod'
import { pageQuery } from './pages.ts'
import { organizationPolicyEdit, policySchema, projectPolicyEdit } from './policy.ts'
import { renewalSchema } from './renewals.ts'
import { emailAddress, externalId, lineOfText, slug, timeZone } from './values.ts'

export const organizationSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    slug: z.string(),
    external_id: z.string().nullable(),
    notification_email: z.string().nullable(),
    time_zone: z.string().describe('IANA name: when digests go, and how mails say times, where a person has set none.'),
    api_access: z.boolean().describe('False: every key of the organization is refused, none is changed.'),
    policy: policySchema,
    created_at: z.string(),
  })
  .meta({ id: 'Organization' })
export type Organization = z.infer<typeof organizationSchema>

export const organizationCreate = z
  .strictObject({
    name: lineOfText(100),
    slug: slug.optional().describe('Made from the name where it is left out.'),
    external_id: externalId.nullish(),
    notification_email: emailAddress.nullish(),
  })
  .meta({ id: 'OrganizationCreate', example: { name: 'Acme', notification_email: 'keys@acme.example' } })

export const organizationEdit = z
  .strictObject({
    name: lineOfText(100),
    api_access: z.boolean(),
    policy: organizationPolicyEdit,
    notification_email: emailAddress.nullable(),
    time_zone: timeZone,
  })
  .partial()
  .meta({ id: 'OrganizationEdit', example: { policy: { default_lifetime: 7_776_000, max_active_keys: 100 } } })

export const projectSchema = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    slug: z.string(),
    external_id: z.string().nullable(),
    api_access: z.boolean().describe('False: every key of the project is refused, none is changed.'),
    policy: policySchema.describe('The rules in force: those of the organization, tightened by the project.'),
    policy_overrides: policySchema.partial().meta({ id: 'PolicyOverrides' }).describe("The project's own rules."),
    renewal: renewalSchema.nullable().describe('What was asked of all holders last, as after an incident.'),
    created_at: z.string(),
  })
  .meta({ id: 'Project' })
export type Project = z.infer<typeof projectSchema>

export const projectCreate = z
  .strictObject({ name: lineOfText(100), slug: slug.optional(), external_id: externalId.nullish() })
  .meta({ id: 'ProjectCreate', example: { name: 'Storefront' } })

export const projectEdit = z
  .strictObject({ name: lineOfText(100), api_access: z.boolean(), policy: projectPolicyEdit })
  .partial()
  .meta({ id: 'ProjectEdit', example: { policy: { max_active_keys: 20 } } })

/** `external_id` finds what the product knows under an id of its own. */
export const listQuery = z.strictObject({ ...pageQuery.shape, external_id: externalId.optional() })
