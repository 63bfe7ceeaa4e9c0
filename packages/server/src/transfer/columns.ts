import {
  actorSchema,
  addressOrNetwork,
  auditActions,
  channelKinds,
  environments,
  keyKinds,
  metadata,
  organizationPolicyEdit,
  quota,
  rateLimit,
  scopeToken,
  slots,
  timeZone,
  webhookEvents,
} from '@keyturn/contract'
import { z } from 'zod'
import type { Schema } from '../storage/schema.ts'

/** A column that goes into an export, as the database has it and as a line says it. */
export interface Exported<S extends z.ZodType = z.ZodType> {
  readonly as: 'text' | 'text[]' | 'boolean' | 'integer' | 'jsonb' | 'timestamptz' | 'bytea'
  readonly schema: S
}

/**
 * What becomes of each column of a table: it is exported, made again from others, or left behind. A column that is new in the schema does not
 * compile until it has its line here.
 */
type Columns<T extends keyof Schema> = Record<keyof Schema[T], Exported | 'derived' | 'left out'>

const textOf = <S extends z.ZodType<string>>(schema: S) => ({ as: 'text', schema }) as const
const text = textOf(z.string().max(20_000))
const textOrNull = { as: 'text', schema: z.string().max(20_000).nullable() } as const
const id = (prefix: string) =>
  textOf(z.string().regex(new RegExp(`^${prefix}_[0-9a-z]{1,64}$`), `must be an id, as ${prefix}_…`))
const flag = { as: 'boolean', schema: z.boolean() } as const
const count = { as: 'integer', schema: z.number().int().min(0).max(2_147_483_647) } as const

/** UTC with milliseconds, and never, which is a time here. */
const instant = z
  .string()
  .regex(/^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|-?infinity)$/, 'must be a time, as 2027-03-01T12:00:00.000Z')
  .refine((text) => text.endsWith('infinity') || isTime(text), 'must be a time that exists')
const time = { as: 'timestamptz', schema: instant } as const
const timeOrNull = { as: 'timestamptz', schema: instant.nullable() } as const
const actor = { as: 'jsonb', schema: actorSchema.strict() } as const
/** In hex. */
const digest = { as: 'bytea', schema: z.string().regex(/^[0-9a-f]{64}$/, 'must be SHA-256 in hex') } as const
const actionName = textOf(z.enum(auditActions))

function isTime(written: string): boolean {
  const read = Date.parse(written)
  return Number.isFinite(read) && new Date(read).toISOString() === written
}

export const organizationColumns = {
  id: id('org'),
  slug: text,
  name: text,
  external_id: textOrNull,
  notification_email: textOrNull,
  api_access: flag,
  policy: { as: 'jsonb', schema: organizationPolicyEdit },
  policy_revision: count,
  time_zone: textOf(timeZone),
  review_look_at: 'left out',
  created_at: time,
} as const satisfies Columns<'organizations'>

export const projectColumns = {
  id: id('prj'),
  organization_id: 'derived',
  slug: text,
  name: text,
  external_id: textOrNull,
  management: flag,
  api_access: flag,
  policy: { as: 'jsonb', schema: organizationPolicyEdit },
  policy_revision: count,
  created_at: time,
  renewal_requested_at: timeOrNull,
  renewal_by: timeOrNull,
  renewal_reason: textOrNull,
} as const satisfies Columns<'projects'>

export const keyColumns = {
  id: id('key'),
  organization_id: 'derived',
  project_id: id('prj'),
  management: 'derived',
  management_projects: { as: 'text[]', schema: z.array(z.string().max(100)).nullable() },
  kind: textOf(z.enum(keyKinds)),
  environment: textOf(z.enum(environments)),
  name: text,
  name_key: 'derived',
  purpose: textOrNull,
  owner: textOrNull,
  contact: textOrNull,
  scopes: { as: 'text[]', schema: z.array(scopeToken) },
  allowed_ips: { as: 'text[]', schema: z.array(addressOrNetwork) },
  metadata: { as: 'jsonb', schema: metadata },
  rate_limit: { as: 'jsonb', schema: rateLimit.nullable() },
  quota: { as: 'jsonb', schema: quota.nullable() },
  state: textOf(z.enum(['active', 'disabled', 'revoked', 'deleted'])),
  legacy: flag,
  first_end_at: time,
  last_end_at: time,
  created_at: time,
  created_by: actor,
  last_action: actionName,
  last_actor: actor,
  last_action_at: time,
  reviewed_at: timeOrNull,
  revoked_reason: textOrNull,
  search: 'derived',
  primary_made_at: time,
  successor_made_at: timeOrNull,
  revision: count,
} as const satisfies Columns<'keys'>

export const keyActivityColumns = {
  key_id: 'derived',
  organization_id: 'derived',
  project_id: 'derived',
  management: 'derived',
  state: 'derived',
  last_used_at: time,
  last_refused_at: time,
} as const satisfies Columns<'key_activity'>

export const secretColumns = {
  id: id('sec'),
  key_id: 'derived',
  organization_id: 'derived',
  slot: textOf(z.enum(slots)),
  digest,
  hint: text,
  // Only publishable ones have it in the database.
  value: textOrNull,
  created_at: time,
  expires_at: time,
  retires_at: timeOrNull,
  overlap_started_at: timeOrNull,
  ended_at: timeOrNull,
  ended_by: { as: 'text', schema: z.enum(['revoke', 'rotate']).nullable() },
} as const satisfies Columns<'secrets'>

const callingAddress = z.strictObject({
  address: z.string(),
  at: z.string(),
  user_agent: z.string().nullable().optional(),
})

export const secretActivityColumns = {
  secret_id: 'derived',
  last_used_at: time,
  last_address: textOrNull,
  last_user_agent: textOrNull,
  addresses: { as: 'jsonb', schema: z.array(callingAddress).max(100) },
  last_refused_at: time,
  last_refused_code: { as: 'text', schema: z.enum(['REVOKED', 'ROTATED', 'EXPIRED']).nullable() },
} as const satisfies Columns<'secret_activity'>

const facts = {
  fingerprint: {
    as: 'text',
    schema: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
  },
  issuer: textOrNull,
  subject: textOrNull,
  key_id: textOrNull,
  expires_at: time,
} as const

export const credentialColumns = {
  id: id('trc'),
  organization_id: 'derived',
  project_id: { as: 'text', schema: id('prj').schema.nullable() },
  name: text,
  purpose: textOrNull,
  owner: textOrNull,
  contact: textOrNull,
  ...facts,
  created_at: time,
  created_by: actor,
  renewed_at: time,
  revision: count,
  deleted_at: timeOrNull,
} as const satisfies Columns<'tracked_credentials'>

export const valueColumns = {
  credential_id: 'derived',
  organization_id: 'derived',
  number: count,
  ...facts,
  recorded_at: time,
  recorded_by: actor,
  forgotten: flag,
} as const satisfies Columns<'tracked_values'>

export const channelColumns = {
  id: id('chn'),
  organization_id: 'derived',
  kind: textOf(z.enum(channelKinds)),
  url: textOrNull,
  address: textOrNull,
  events: { as: 'text[]', schema: z.array(z.enum(webhookEvents)).nullable() },
  // It comes disabled, and with a signing secret of its own.
  enabled: 'derived',
  disabled_reason: 'left out',
  sealed_secret: 'derived',
  old_sealed_secret: 'left out',
  old_secret_until: 'left out',
  created_at: time,
  created_by: actor,
} as const satisfies Columns<'channels'>

export type ColumnMap = Readonly<Record<string, Exported | 'derived' | 'left out'>>

/** Those of the columns that are exported, by name. */
export type ShapeOf<C extends ColumnMap> = {
  [K in keyof C as C[K] extends Exported ? K : never]: C[K] extends Exported<infer S> ? S : never
}

export const exportedOf = (columns: ColumnMap): [name: string, column: Exported][] =>
  Object.entries(columns).flatMap(([name, column]) => (typeof column === 'string' ? [] : [[name, column]]))

export function shapeOf<C extends ColumnMap>(columns: C): ShapeOf<C> {
  const shape = Object.fromEntries(exportedOf(columns).map(([name, { schema }]) => [name, schema]))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same names, with the schemas that stand beside them
  return shape as ShapeOf<C>
}
