import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { pageOf } from './pages.ts'
import { actionNames } from './permissions.ts'
import { projectRoleSchema, roleSchema } from './roles.ts'
import { emailAddress, lineOfText, plainText, seconds, timeZone } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

/** A password as it was typed: any characters, no rules of composition (NIST SP 800-63B-4, 3.1.1.2). */
const typedPassword = plainText(1000).min(1, 'must not be empty')
/** One that is given anew is checked further by the server: at least 15 characters, and none that everybody guesses. */
const newPassword = plainText(1000)
const token = plainText(200).min(1, 'must not be empty')

export const personSchema = z
  .object({ id: z.string(), name: z.string(), email: z.string(), two_factor: z.boolean() })
  .meta({ id: 'Person' })
export type Person = z.infer<typeof personSchema>

export const signInRequest = z
  .strictObject({ email: emailAddress, password: typedPassword })
  .meta({ id: 'SignIn', example: { email: 'ada@example.com', password: 'four words are enough' } })

export const signInAnswer = z
  .object({
    second_factor_required: z.boolean().describe('True: go on at /v1/sign-in/second-factor within ten minutes.'),
    person: personSchema.nullable(),
  })
  .meta({ id: 'SignedIn' })

export const secondFactorRequest = z
  .strictObject({
    code: z
      .string()
      .regex(/^\d{6}$/, 'must be the six digits of the authenticator')
      .optional(),
    recovery_code: plainText(50).min(1).optional(),
  })
  .refine((body) => (body.code === undefined) !== (body.recovery_code === undefined), {
    error: 'give one of code and recovery_code',
    path: ['code'],
  })
  .meta({ id: 'SecondFactor', example: { code: '123456' } })

export const setUpRequest = z
  .strictObject({ token, name: lineOfText(100), email: emailAddress, password: newPassword })
  .meta({
    id: 'SetUp',
    example: { token: 'from the link', name: 'Ada', email: 'ada@example.com', password: 'four words are enough' },
  })

export const passwordResetRequest = z
  .strictObject({ email: emailAddress })
  .meta({ id: 'PasswordResetRequest', example: { email: 'ada@example.com' } })

export const passwordResetCompletion = z
  .strictObject({ token, password: newPassword })
  .meta({ id: 'PasswordReset', example: { token: 'from the link', password: 'four words are enough' } })

export const passwordChange = z.strictObject({ current_password: typedPassword, password: newPassword }).meta({
  id: 'PasswordChange',
  example: { current_password: 'four words are enough', password: 'another four words then' },
})

export const passwordProof = z
  .strictObject({ password: typedPassword })
  .meta({ id: 'PasswordProof', example: { password: 'four words are enough' } })

export const twoFactorBegun = z
  .object({
    totp_uri: z.string().describe('For the authenticator, also as a QR code (otpauth://).'),
    recovery_codes: z.array(z.string()).describe('Each works once. Shown this once.'),
  })
  .meta({ id: 'TwoFactorBegun' })

export const twoFactorConfirmation = z
  .strictObject({ code: z.string().regex(/^\d{6}$/, 'must be the six digits of the authenticator') })
  .meta({ id: 'TwoFactorConfirmation', example: { code: '123456' } })

export const recoveryCodes = z.object({ recovery_codes: z.array(z.string()) }).meta({ id: 'RecoveryCodes' })

export const sessionSchema = z
  .object({
    id: z.string(),
    current: z.boolean(),
    signed_in_at: time,
    expires_at: time,
    address: z.string().nullable(),
    user_agent: z.string().nullable(),
    organization_id: z
      .string()
      .nullable()
      .describe('Of a session that a product gave: it holds there alone. Null: a sign-in of the person.'),
  })
  .meta({ id: 'Session' })
export const sessionList = z.object({ data: z.array(sessionSchema) }).meta({ id: 'SessionList' })

const actionName = z.enum(actionNames).meta({ id: 'Action' })
const rightsSchema = z
  .object({
    actions: z.array(actionName).describe('What the role allows.'),
    on_own_keys: z.array(actionName).describe('What it allows on keys whose `owner` is you.'),
  })
  .meta({ id: 'Rights' })

export const meSchema = personSchema
  .extend({
    time_zone: z.string().nullable().describe('IANA name: when digests come. Null: that of each organization.'),
    session: sessionSchema,
    memberships: z.array(
      z
        .object({
          organization: z.object({ id: z.string(), name: z.string(), slug: z.string() }),
          role: roleSchema.nullable().describe('On the whole organization; null: on projects alone.'),
          administrators: z
            .array(z.object({ name: z.string(), email: z.string() }))
            .describe('Whom to ask for what your role does not allow: owners and administrators, at most five.'),
          rights: rightsSchema.describe('In the whole organization, each of its projects too.'),
          projects: z.array(
            z
              .object({ project_id: z.string(), role: projectRoleSchema, rights: rightsSchema })
              .meta({ id: 'ProjectMembership' }),
          ),
        })
        .meta({ id: 'Membership' }),
    ),
  })
  .meta({ id: 'Me' })

export const meEdit = z
  .strictObject({ time_zone: timeZone.nullable() })
  .partial()
  .meta({ id: 'MeEdit', example: { time_zone: 'Europe/Berlin' } })

export const memberSchema = z
  .object({
    ...personSchema.shape,
    role: roleSchema.nullable().describe('On the whole organization; null: on projects alone.'),
    projects: z.array(z.object({ project_id: z.string(), role: projectRoleSchema }).meta({ id: 'ProjectRole' })),
    via: z.enum(['set_up', 'invitation', 'portal']),
    joined_at: time,
    last_signed_in_at: time.nullable(),
  })
  .meta({ id: 'Member' })
export type Member = z.infer<typeof memberSchema>
export const memberPage = pageOf(memberSchema).meta({ id: 'MemberPage' })

const projects = z
  .array(z.strictObject({ project: plainText(100).min(1).describe('Id or slug.'), role: projectRoleSchema }))
  .max(100)

const somewhere = (body: { role?: unknown; projects?: readonly unknown[] | undefined }) =>
  (body.role !== undefined && body.role !== null) || (body.projects?.length ?? 0) > 0
const somewhereMessage = { error: 'give a role, or a role on at least one project', path: ['role'] }

export const memberEdit = z
  .strictObject({ role: roleSchema.nullable(), projects: projects.default([]) })
  .refine(somewhere, somewhereMessage)
  .meta({ id: 'MemberEdit', example: { role: 'manager' } })

export const invitationSchema = z
  .object({
    id: z.string(),
    email: z.string(),
    role: roleSchema.nullable(),
    projects: z.array(z.object({ project_id: z.string(), role: projectRoleSchema })),
    mailed: z.boolean(),
    created_by: actorSchema,
    created_at: time,
    expires_at: time,
  })
  .meta({ id: 'Invitation' })
export const invitationPage = pageOf(invitationSchema).meta({ id: 'InvitationPage' })

export const invitationCreate = z
  .strictObject({ email: emailAddress, role: roleSchema.nullable().optional(), projects: projects.default([]) })
  .refine(somewhere, somewhereMessage)
  .meta({ id: 'InvitationCreate', example: { email: 'grace@example.com', role: 'manager' } })

const linkUrl = z
  .string()
  .nullable()
  .describe('To be handed over by you, where no mail could be sent. Null: it went out by mail, and nobody else has it.')
export const invitationCreated = z
  .object({ invitation: invitationSchema, url: linkUrl })
  .meta({ id: 'InvitationCreated' })

export const invitationAcceptance = z
  .strictObject({
    token,
    name: lineOfText(100).optional(),
    password: newPassword.optional().describe('Left out by who has an account already, and is signed in.'),
  })
  .meta({
    id: 'InvitationAcceptance',
    example: { token: 'from the link', name: 'Grace', password: 'four words are enough' },
  })

export const passwordResetLink = z
  .object({ mailed: z.boolean(), url: linkUrl, expires_at: time })
  .meta({ id: 'PasswordResetLink' })
export type PasswordResetLink = z.infer<typeof passwordResetLink>

export const portalSessionCreate = z
  .strictObject({
    email: emailAddress,
    name: lineOfText(100).optional(),
    role: roleSchema,
    ttl: seconds.min(60).max(86_400).default(3600).describe('Of the session, in seconds, 60 to 86,400.'),
  })
  .meta({
    id: 'PortalSessionCreate',
    example: { email: 'ada@customer.example', name: 'Ada', role: 'admin', ttl: 3600 },
  })

export const portalSession = z
  .object({
    url: z.string().nullable().describe('Works once, for five minutes. Null where the answer is repeated after ten.'),
    expires_at: time,
    member_id: z.string(),
  })
  .meta({ id: 'PortalSession' })
