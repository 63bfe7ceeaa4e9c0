import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { pageOf, pageQuery } from './pages.ts'
import { emailAddress, lineOfText, paragraph, plainText, timestamp } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

/** What begins as every JWT does. One that somebody pasted must not come to be kept. */
const holdsToken = (text: string) => /eyJ[\w-]{8,}\.[\w-]{8,}/.test(text)
const noToken = <T extends z.ZodType<string>>(text: T) =>
  text.refine((value) => !holdsToken(value), 'must not be a token, or hold one: only facts about it are kept')

const latestSecond = 253_402_300_799

/** Facts of one value, under the names that they have in a JWT (RFC 7519 §4.1). The value itself is not among them. */
const facts = {
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be SHA-256 in lower-case hexadecimal')
    .optional()
    .describe('SHA-256 of the whole value, in hexadecimal.'),
  iss: noToken(lineOfText(500)).optional(),
  sub: noToken(lineOfText(500)).optional(),
  kid: noToken(lineOfText(200)).optional(),
  exp: z.number().int().min(0).max(latestSecond).optional().describe('Seconds since 1970, as a JWT has it.'),
  expires_at: timestamp.optional(),
  never_expires: z.literal(true, 'must be true, or left out').optional(),
}

interface WantedEnd {
  readonly fingerprint?: unknown
  readonly exp?: unknown
  readonly expires_at?: unknown
  readonly never_expires?: unknown
}
const oneEnd = ({ fingerprint, exp, expires_at, never_expires }: WantedEnd) => {
  const given = [exp, expires_at, never_expires].filter((end) => end !== undefined).length
  return given === 1 || (given === 0 && fingerprint !== undefined)
}
const oneEndMessage = {
  error: 'give one of expires_at, exp, never_expires; with a fingerprint and none of them it never expires',
  path: ['expires_at'],
}

const described = {
  name: noToken(lineOfText(200)),
  purpose: noToken(paragraph(1000))
    .nullable()
    .meta({ type: ['string', 'null'] }),
  owner: emailAddress.nullable(),
  contact: emailAddress.nullable(),
}

export const trackedCredentialCreate = z
  .strictObject({
    name: described.name,
    purpose: described.purpose.optional(),
    owner: described.owner.optional().describe('Left out: notification_email of the organization.'),
    contact: described.contact.optional(),
    project: plainText(200).optional().describe('Id or slug; left out: of the organization as a whole.'),
    ...facts,
  })
  .refine(oneEnd, oneEndMessage)
  .meta({
    id: 'TrackedCredentialCreate',
    example: { name: 'Stripe, webhooks', owner: 'ada@example.com', expires_at: '2027-03-01T00:00:00Z' },
  })
export type TrackedCredentialCreate = z.infer<typeof trackedCredentialCreate>

export const trackedCredentialEdit = z
  .strictObject(described)
  .partial()
  .meta({ id: 'TrackedCredentialEdit', example: { owner: 'grace@example.com' } })
export type TrackedCredentialEdit = z.infer<typeof trackedCredentialEdit>

export const trackedCredentialRenew = z
  .strictObject(facts)
  .refine(oneEnd, oneEndMessage)
  .meta({ id: 'TrackedCredentialRenew', example: { expires_at: '2028-03-01T00:00:00Z' } })
export type TrackedCredentialRenew = z.infer<typeof trackedCredentialRenew>

const knownFacts = {
  fingerprint: z.string().nullable(),
  iss: z.string().nullable(),
  sub: z.string().nullable(),
  kid: z.string().nullable(),
  expires_at: time.nullable().describe('Null: never, as far as it says.'),
}

export const trackedCredentialSchema = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    project_id: z.string().nullable(),
    name: z.string(),
    purpose: z.string().nullable(),
    owner: z.string().nullable(),
    contact: z.string().nullable(),
    expired: z.boolean(),
    ...knownFacts,
    created_at: time,
    created_by: actorSchema,
    renewed_at: time.describe('When its newest value was made known.'),
  })
  .meta({ id: 'TrackedCredential' })
export type TrackedCredential = z.infer<typeof trackedCredentialSchema>

export const trackedCredentialWithHistory = trackedCredentialSchema
  .extend({
    history: z
      .array(z.object({ ...knownFacts, recorded_at: time, recorded_by: actorSchema }).meta({ id: 'TrackedValue' }))
      .describe('Every value that was made known, newest first.'),
  })
  .meta({ id: 'TrackedCredentialWithHistory' })
export type TrackedCredentialWithHistory = z.infer<typeof trackedCredentialWithHistory>

export const trackedCredentialQuery = z
  .strictObject({ owner: plainText(254).toLowerCase().optional(), ...pageQuery.shape })
  .meta({ id: 'TrackedCredentialQuery' })
export type TrackedCredentialQuery = z.infer<typeof trackedCredentialQuery>
export const trackedCredentialPage = pageOf(trackedCredentialSchema).meta({ id: 'TrackedCredentialPage' })
