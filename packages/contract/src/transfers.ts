import { z } from 'zod'
import { organizationSchema } from './organizations.ts'
import { projectRoles, roles } from './roles.ts'

/** A member of an organization, as its export names them. They are no member of what is imported until they are invited. */
export const exportedMember = z
  .strictObject({
    email: z.string(),
    name: z.string(),
    role: z.enum(roles).nullable().describe('On the whole organization; null: on projects alone.'),
    projects: z.array(z.strictObject({ project_id: z.string(), role: z.enum(projectRoles) })),
  })
  .meta({ id: 'ExportedMember' })

export const organizationImportAnswer = z
  .object({
    organization: organizationSchema,
    projects: z.number().int().describe('Without the one that holds the management keys.'),
    keys: z.number().int().describe('Deleted ones too: their values must never come back.'),
    tracked_credentials: z.number().int(),
    channels: z.number().int().describe('All of them disabled; webhooks get a new signing secret when it is rotated.'),
    audit_events: z.number().int().describe('As many as the export had; that of the import comes after them.'),
    members: z.array(exportedMember).describe('Were not made: invite them.'),
  })
  .meta({ id: 'OrganizationImportAnswer' })
export type OrganizationImportAnswer = z.infer<typeof organizationImportAnswer>
