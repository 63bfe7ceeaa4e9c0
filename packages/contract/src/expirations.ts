import { z } from 'zod'
import { environments, keyKinds, slots } from './keys.ts'
import { pageOf, pageQuery } from './pages.ts'
import { plainText, queryDuration, timestamp } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

/** What happens then. Only a rotation that is due changes nothing by itself. */
export const expirationTypes = ['expiry', 'overlap_end', 'rotation_due'] as const
export type ExpirationType = (typeof expirationTypes)[number]

/** In the order of the list. */
export const expirationStatuses = ['overdue', 'upcoming', 'never', 'ended'] as const
export type ExpirationStatus = (typeof expirationStatuses)[number]

/** Kinds of keys, and what somebody else issued. */
export const expirationKinds = [...keyKinds, 'tracked'] as const
export type ExpirationKind = (typeof expirationKinds)[number]

export const expirationSchema = z
  .object({
    id: z.string().describe('The same for the same event, also where its time changes.'),
    type: z
      .enum(expirationTypes)
      .describe(
        'expiry: the secret or credential ends. overlap_end: a secret that was rotated ends. rotation_due: the policy wants a new secret; nothing ends.',
      ),
    status: z.enum(expirationStatuses).describe('overdue: of a rotation. ended: of a key or credential as a whole.'),
    at: time.nullable().describe('RFC 3339, UTC; null: never.'),
    kind: z.enum(expirationKinds).describe('tracked: a credential that somebody else issued.'),
    name: z.string(),
    owner: z.string().nullable(),
    contact: z.string().nullable(),
    organization_id: z.string(),
    project_id: z.string().nullable(),
    key_id: z.string().nullable(),
    secret_id: z.string().nullable(),
    slot: z.enum(slots).nullable(),
    hint: z.string().nullable(),
    environment: z.enum(environments).nullable(),
    tracked_credential_id: z.string().nullable(),
    issuer: z.string().nullable().describe('Of a tracked credential, where that is known.'),
    management: z.boolean().describe('The secret of a management key.'),
    legacy: z.boolean(),
    disabled: z.boolean().describe('The key is disabled: its calls are refused anyway.'),
    in_use: z.boolean().nullable().describe('Called in the last 30 days; null: nobody can know.'),
    last_used_at: time.nullable().describe('Of this secret.'),
  })
  .meta({ id: 'Expiration' })
export type Expiration = z.infer<typeof expirationSchema>

export const expirationPage = pageOf(expirationSchema).meta({ id: 'ExpirationPage' })

const severalOf = <T extends readonly [string, ...string[]]>(values: T) =>
  z
    .string()
    .max(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(values)).min(1))
    .optional()

const yesOrNo = z.enum(['true', 'false']).transform((text) => text === 'true')

const bounds = {
  within: queryDuration
    .optional()
    .describe('As 30d: what comes within that time, rotations that are overdue included. Not with from or to.'),
  from: timestamp.optional(),
  to: timestamp.optional().describe('Before that; what never ends is left out.'),
}

const narrowing = {
  type: severalOf(expirationTypes).describe('Several with commas.'),
  kind: severalOf(expirationKinds).describe('Several with commas.'),
  status: severalOf(expirationStatuses).describe('Several with commas.'),
  owner: plainText(254).toLowerCase().optional(),
  project: plainText(200).optional().describe('Id or slug.'),
  in_use: yesOrNo.optional(),
}

const oneSpan = (query: { within?: unknown; from?: unknown; to?: unknown }) =>
  query.within === undefined || (query.from === undefined && query.to === undefined)
const oneSpanMessage = { error: 'give either within, or from and to', path: ['within'] }

export const expirationQuery = z
  .strictObject({ ...bounds, ...narrowing, ...pageQuery.shape })
  .refine(oneSpan, oneSpanMessage)
  .meta({ id: 'ExpirationQuery' })
export type ExpirationQuery = z.infer<typeof expirationQuery>

export const expirationFilters = narrowing
export const expirationCsvQuery = z.strictObject({ ...bounds, ...narrowing }).refine(oneSpan, oneSpanMessage)
export type ExpirationCsvQuery = z.infer<typeof expirationCsvQuery>

const counts = {
  count: z.number().int(),
  ends: z.number().int().describe('Secrets of keys, by their own expiry or the end of their overlap.'),
  rotations_due: z.number().int(),
  tracked: z.number().int().describe('Credentials that somebody else issued.'),
}

export const expirationForecast = z
  .object({
    from: time,
    overdue: z.number().int().describe('Rotations that the policy wanted before now.'),
    weeks: z
      .array(z.object({ starts_on: z.string().describe('A Monday, in UTC.'), ...counts }).meta({ id: 'ForecastWeek' }))
      .describe('53 of them, from the present one on.'),
    crowded_days: z
      .array(z.object({ date: z.string(), ...counts }).meta({ id: 'CrowdedDay' }))
      .describe(
        'Days in UTC on which many end together: at least five, and at least three times as many as on an average day of the year; the ten most crowded, in their order.',
      ),
    later: z.number().int().describe('After these weeks.'),
    never: z.number().int(),
  })
  .meta({ id: 'ExpirationForecast' })
export type ExpirationForecast = z.infer<typeof expirationForecast>

export const forecastQuery = z.strictObject({
  type: narrowing.type,
  kind: narrowing.kind,
  owner: narrowing.owner,
  project: narrowing.project,
  in_use: narrowing.in_use,
})
