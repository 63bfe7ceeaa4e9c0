import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { pageOf, pageQuery } from './pages.ts'
import { jsonObject, plainText, timestamp } from './values.ts'

/** Every action that is on record. */
export const auditActions = [
  'installation.created',
  'root_key.created',
  'root_key.replaced',
  'signing_key.created',
  'signing_key.withdrawn',
  'organization.created',
  'organization.updated',
  'organization.api_access_disabled',
  'organization.api_access_enabled',
  'organization.policy_changed',
  'organization.exported',
  'organization.imported',
  'project.created',
  'project.updated',
  'project.api_access_disabled',
  'project.api_access_enabled',
  'project.policy_changed',
  'project.renewal_requested',
  'feed_token.created',
  'feed_token.revoked',
  'tracked_credential.created',
  'tracked_credential.updated',
  'tracked_credential.renewed',
  'tracked_credential.deleted',
  'key.created',
  'key.imported',
  'key.updated',
  'key.extended',
  'key.rotated',
  'key.secret_staged',
  'key.promoted',
  'key.rotation_finished',
  'key.rotation_cancelled',
  'key.secret_revoked',
  'key.claim_link_created',
  'key.claim_link_withdrawn',
  'key.secret_claimed',
  'key.disabled',
  'key.enabled',
  'key.revoked',
  'key.reviewed',
  'key.change_requested',
  'key.deleted',
  'key.expiring',
  'key.expired',
  'key.used_after_end',
  'tracked_credential.expiring',
  'tracked_credential.expired',
  'channel.created',
  'channel.updated',
  'channel.secret_rotated',
  'channel.disabled',
  'channel.tested',
  'channel.delivery_retried',
  'channel.deleted',
  'reminder.sent',
  'reminder.failed',
  'reminder.acknowledged',
  'secret.shown',
  'keys.exported',
  'expirations.exported',
  'audit.exported',
  'call.refused',
  'sign_in.refused',
  'person.created',
  'person.updated',
  'person.signed_in',
  'person.signed_out',
  'person.password_changed',
  'person.password_reset_link_created',
  'person.two_factor_enabled',
  'person.two_factor_disabled',
  'person.recovery_codes_changed',
  'member.added',
  'member.role_changed',
  'member.removed',
  'invitation.created',
  'invitation.accepted',
  'invitation.withdrawn',
  'portal_session.created',
] as const
export type AuditAction = (typeof auditActions)[number]

export const auditEventSchema = z
  .object({
    sequence: z.number().int(),
    hash: z.string().describe('SHA-256 (hex) of the previous hash, the sequence and the stored text of the event.'),
    at: z.string(),
    action: z.enum(auditActions),
    actor: actorSchema,
    organization_id: z.string().nullable(),
    project_id: z.string().nullable(),
    target: z.object({ type: z.string(), id: z.string(), name: z.string() }).meta({ id: 'AuditTarget' }),
    before: jsonObject.nullable().describe('The fields that changed, as they were.'),
    after: jsonObject.nullable().describe('The same fields, as they are.'),
    address: z.string().nullable(),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AuditEvent' })
export type AuditEvent = z.infer<typeof auditEventSchema>

export const auditPage = pageOf(auditEventSchema).meta({ id: 'AuditPage' })

const auditFilters = {
  key: plainText(100).optional(),
  actor: plainText(100).optional().describe('Id of a person or a management key, or `root_key`.'),
  action: z.enum(auditActions).optional(),
  since: timestamp.optional(),
  until: timestamp.optional(),
}

export const auditQuery = z.strictObject({ ...auditFilters, ...pageQuery.shape }).meta({ id: 'AuditQuery' })

export const auditExportQuery = z.strictObject(auditFilters)

/** What a walk over the whole chain found. */
export const auditVerification = z
  .object({
    intact: z.boolean(),
    events: z.number().int(),
    head: z.object({ sequence: z.number().int(), hash: z.string() }).nullable(),
    signed_through: z.number().int().describe('The newest event under a signature; those after it are not signed yet.'),
    unsigned: z.number().int(),
    fault: z
      .object({ sequence: z.number().int(), detail: z.string() })
      .nullable()
      .describe('The first place where the chain is broken.'),
  })
  .meta({ id: 'AuditVerification' })
export type AuditVerification = z.infer<typeof auditVerification>
