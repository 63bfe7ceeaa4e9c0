import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { quota, rateLimit } from './limits.ts'
import { revocationPropagationSchema } from './nodes.ts'
import { pageOf, pageQuery } from './pages.ts'
import { comingReminders } from './reminders.ts'
import {
  allowedIps,
  emailAddress,
  jsonObject,
  lineOfText,
  metadata,
  paragraph,
  plainText,
  queryDuration,
  scopes,
  seconds,
  timestamp,
} from './values.ts'

export const keyKinds = ['secret', 'publishable', 'jwt'] as const
export type KeyKind = (typeof keyKinds)[number]

export const environments = ['live', 'test'] as const
export type Environment = (typeof environments)[number]

export const keyStatuses = ['active', 'disabled', 'expired', 'revoked'] as const
export type KeyStatus = (typeof keyStatuses)[number]

export const secretStatuses = ['live', 'rotated', 'expired', 'revoked'] as const
export type SecretStatus = (typeof secretStatuses)[number]

export const slots = ['primary', 'secondary'] as const
export type Slot = (typeof slots)[number]

/** What is said of a secret after its end. */
export const endedCodes = ['REVOKED', 'ROTATED', 'EXPIRED'] as const
export type EndedCode = (typeof endedCodes)[number]

export const warningCodes = [
  'vague_name',
  'duplicate_name',
  'nobody_would_be_told',
  'rotation_advised',
  'token_keeps_scopes',
] as const
export type WarningCode = (typeof warningCodes)[number]

/** What management keys may do. `*` stands for none of them: each is given by name. */
export const managementScopes = [
  'keys:read',
  'keys:write',
  'projects:write',
  'policy:write',
  'audit:read',
  'verify',
  'members:read',
  'members:write',
  'management:write',
] as const
export type ManagementScope = (typeof managementScopes)[number]

const time = z.string().describe('RFC 3339, UTC')

export const secretSchema = z
  .object({
    id: z.string(),
    slot: z.enum(slots),
    status: z.enum(secretStatuses),
    staged: z.boolean().describe('Valid beside the primary, to become the primary later.'),
    hint: z.string().describe('Prefix, first four and last four characters of the value.'),
    created_at: time,
    expires_at: time.nullable(),
    retires_at: time.nullable().describe('The end of the overlap after a rotation.'),
    rotation_due_at: time
      .nullable()
      .describe('When the policy wants another in its place; of one that has ended: null.'),
    last_used_at: time.nullable(),
    value: z.string().nullable().describe('At creation alone; of publishable keys always.'),
  })
  .meta({ id: 'Secret' })
export type Secret = z.infer<typeof secretSchema>

export const keySchema = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    project_id: z.string(),
    name: z.string(),
    kind: z.enum(keyKinds),
    environment: z.enum(environments),
    status: z.enum(keyStatuses),
    expiring: z.boolean().describe('A live secret is inside the longest reminder threshold.'),
    rotating: z.boolean().describe('Two secrets are live.'),
    legacy: z.boolean(),
    purpose: z.string().nullable(),
    owner: z.string().nullable(),
    contact: z.string().nullable(),
    scopes: z.array(z.string()),
    allowed_ips: z.array(z.string()).describe('Empty: from everywhere.'),
    metadata: jsonObject,
    rate_limit: rateLimit.nullable().describe('Null: none.'),
    quota: quota.nullable().describe('Null: none. What of it is used is in the usage of the key.'),
    never_expires: z.boolean(),
    expires_at: time.nullable().describe('When the last secret ends or ended; null: never.'),
    next_expiry_at: time.nullable().describe('The next end still to come, else the last.'),
    rotation_due_at: time
      .nullable()
      .describe('When the policy (rotate_every) wants the primary replaced; enforces nothing. Null: it does not.'),
    last_used_at: time.nullable(),
    last_refused: z
      .object({ code: z.enum(endedCodes), secret_id: z.string(), at: time })
      .meta({ id: 'LastRefused' })
      .nullable()
      .describe('The last call with a secret of it that had ended: somebody has not moved to a newer one.'),
    created_at: time,
    created_by: actorSchema,
    last_action: z.object({ action: z.string(), actor: actorSchema, at: time }).meta({ id: 'LastAction' }),
    reviewed_at: time.nullable(),
    revoked_reason: z.string().nullable(),
    management: z
      .object({ projects: z.array(z.string()).nullable().describe('The projects it reaches; null: all.') })
      .nullable()
      .describe('Of management keys alone.'),
    secrets: z.array(secretSchema),
    warnings: z.array(z.object({ code: z.enum(warningCodes), detail: z.string() }).meta({ id: 'Warning' })),
  })
  .meta({ id: 'Key' })
export type Key = z.infer<typeof keySchema>

const editable = {
  name: lineOfText(200),
  purpose: paragraph(1000)
    .nullable()
    .meta({ type: ['string', 'null'] }),
  owner: emailAddress.nullable(),
  contact: emailAddress.nullable(),
  allowed_ips: allowedIps,
  metadata,
  rate_limit: rateLimit.nullable(),
  quota: quota.nullable(),
}

const expiry = {
  expires_at: timestamp.optional(),
  expires_in: seconds.optional().describe('Seconds from now.'),
}
const expiryOrNever = { ...expiry, never_expires: z.literal(true, 'must be true, or left out').optional() }

const atMostOneEnd = (body: { expires_at?: unknown; expires_in?: unknown; never_expires?: unknown }) =>
  [body.expires_at, body.expires_in, body.never_expires].filter((end) => end !== undefined).length <= 1
const oneEndMessage = { error: 'give one of expires_at, expires_in, never_expires', path: ['expires_at'] }

/** Only `name` is required. Without an expiry the policy's default lifetime holds. */
export const keyCreate = z
  .strictObject({
    ...z.strictObject(editable).partial().shape,
    name: editable.name,
    kind: z
      .enum(keyKinds)
      .default('secret')
      .describe('jwt: a signed token, which can be verified offline and ends when it says.'),
    environment: z.enum(environments).default('live'),
    scopes: scopes.optional(),
    ...expiryOrNever,
  })
  .refine(atMostOneEnd, oneEndMessage)
  .meta({
    id: 'KeyCreate',
    example: { name: 'Zapier, production', owner: 'ada@example.com', scopes: ['orders:read'], expires_in: 7_776_000 },
  })
export type KeyCreate = z.infer<typeof keyCreate>

export const keyEdit = z
  .strictObject({ ...editable, scopes })
  .partial()
  .meta({ id: 'KeyEdit', example: { name: 'Zapier, staging', owner: 'grace@example.com' } })
export type KeyEdit = z.infer<typeof keyEdit>

export const managementKeyCreate = z
  .strictObject({
    name: lineOfText(200),
    purpose: editable.purpose.optional(),
    owner: editable.owner.optional(),
    contact: editable.contact.optional(),
    allowed_ips: allowedIps.optional(),
    scopes: z.array(z.enum(managementScopes)).min(1).max(managementScopes.length),
    projects: z.array(plainText(100)).min(1).max(100).nullish().describe('Ids or slugs; left out or null: all.'),
    ...expiryOrNever,
  })
  .refine(atMostOneEnd, oneEndMessage)
  .meta({
    id: 'ManagementKeyCreate',
    example: { name: 'Deploy pipeline', scopes: ['keys:read', 'verify'], expires_in: 7_776_000 },
  })
export type ManagementKeyCreate = z.infer<typeof managementKeyCreate>

/** The answer that shows a secret's value. It is the only one for keys of kind `secret` and `jwt`. */
export const keyCreated = z
  .object({ key: keySchema, secret: secretSchema, reminders: comingReminders })
  .meta({ id: 'KeyCreated' })
export const keyAnswer = z.object({ key: keySchema, reminders: comingReminders }).meta({ id: 'KeyAnswer' })

export const keyExtend = z
  .strictObject({ ...expiry, slot: z.enum(slots).optional() })
  .refine((body) => (body.expires_at === undefined) !== (body.expires_in === undefined), {
    error: 'give one of expires_at and expires_in',
    path: ['expires_at'],
  })
  .meta({ id: 'KeyExtend', example: { expires_in: 31_536_000 } })

const overlap = z
  .number()
  .int()
  .min(0)
  .max(365 * 86_400)
  .optional()
  .describe('Seconds that the old secret goes on, 0: not at all. Left out: default_overlap of the policy.')
const force = z.boolean().optional().describe('Even though something stands in the way; the error says what.')
const oneExpiry = { error: 'give one of expires_at and expires_in', path: ['expires_at'] }

export const keyRotate = z
  .strictObject({ overlap, ...expiry, force })
  .refine(atMostOneEnd, oneExpiry)
  .meta({ id: 'KeyRotate', example: { overlap: 604_800 } })

export const secretStage = z
  .strictObject(expiry)
  .refine(atMostOneEnd, oneExpiry)
  .meta({ id: 'SecretStage', example: { expires_in: 31_536_000 } })

export const keyPromote = z.strictObject({ overlap }).meta({ id: 'KeyPromote', example: { overlap: 604_800 } })
export const keyFinish = z.strictObject({ force }).meta({ id: 'KeyFinish', example: { force: true } })
export const keyCancel = z.strictObject({ force }).meta({ id: 'KeyCancel', example: { force: true } })

export const keyRevoke = z
  .strictObject({
    reason: paragraph(500).optional(),
    slot: z.enum(slots).optional().describe('End this secret alone, and leave the key to the other.'),
    wait: z.literal('propagated').optional().describe('Answer only once no node accepts the key any more.'),
    wait_timeout: z.number().int().min(0).max(300).optional().describe('Seconds; default 25. After it: 202.'),
  })
  .meta({ id: 'KeyRevoke', example: { reason: 'posted in a public repository', wait: 'propagated' } })

/** 200 when complete or not waited for, 202 when the wait timed out. */
export const keyRevoked = z
  .object({ key: keySchema, propagation: revocationPropagationSchema })
  .meta({ id: 'KeyRevoked' })

export const keyDelete = z
  .strictObject({ confirm: z.string().max(100).optional() })
  .meta({ id: 'KeyDelete', example: { confirm: 'DELETE' } })

export const keySorts = ['next_expiry_at', 'created_at', 'last_used_at', 'name'] as const
export type KeySort = (typeof keySorts)[number]

const commaSeparated = <T extends readonly [string, ...string[]]>(values: T) =>
  z
    .string()
    .max(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(values)).min(1))

/** A point in time, or how long ago (`30d`). */
const timeOrAge = z.union([timestamp, queryDuration], { error: 'must be an RFC 3339 time or an age, as 30d' })
/** A point in time, or how far ahead (`30d`). */
const timeOrDistance = z.union([timestamp, queryDuration], { error: 'must be an RFC 3339 time or a distance, as 30d' })

const keyFilters = {
  status: commaSeparated(keyStatuses).default(['active', 'disabled', 'expired']).describe('Several with commas.'),
  kind: commaSeparated(keyKinds).optional(),
  owner: plainText(254).toLowerCase().optional(),
  q: plainText(200).optional().describe('Starts of words in name, purpose, owner, id and hint; all must be found.'),
  expires_before: timeOrDistance.optional().describe('By next_expiry_at; those without an end are left out.'),
  expires_after: timeOrDistance.optional().describe('By next_expiry_at; never-expiring ones are included.'),
  unused_since: timeOrAge.optional().describe('Not called since then; keys that were never called are included.'),
  refused_since: timeOrAge
    .optional()
    .describe('Called since then with a secret that had ended: by somebody who has not moved to a newer one.'),
  sort: z
    .enum([...keySorts, ...keySorts.map((sort) => `-${sort}` as const)])
    .default('next_expiry_at')
    .describe(
      'A minus turns the order around. next_expiry_at: soonest first, never-expiring ones last, ended ones after.',
    ),
}

export const keyListQuery = z.strictObject({ ...keyFilters, ...pageQuery.shape }).meta({ id: 'KeyListQuery' })
export type KeyListQuery = z.infer<typeof keyListQuery>

export const keyCsvQuery = z.strictObject(keyFilters)
export type KeyCsvQuery = z.infer<typeof keyCsvQuery>

/** Counting stops at 10,000, so that it costs the same for every size of project. */
const count = z.union([z.number().int(), z.literal('10,000+')])

export const keyPage = pageOf(keySchema)
  .extend({
    counts: z
      .object({ active: count, disabled: count, expired: count, revoked: count })
      .meta({ id: 'KeyCounts' })
      .describe('All keys of the project or organization by status, whatever the filters.'),
  })
  .meta({ id: 'KeyPage' })
