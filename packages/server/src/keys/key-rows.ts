import { type RawBuilder, type Selectable, sql, type UpdateObject } from 'kysely'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { Key, SecretRecord } from './key.ts'
import { nameKeyOf } from './name-advice.ts'
import type { RotationStart } from './slots.ts'

/** All of a key but the words it is found under. */
export const keyColumns = [
  'id',
  'organization_id',
  'project_id',
  'management',
  'management_projects',
  'kind',
  'environment',
  'name',
  'purpose',
  'owner',
  'contact',
  'scopes',
  'allowed_ips',
  'metadata',
  'rate_limit',
  'quota',
  'state',
  'legacy',
  'first_end_at',
  'last_end_at',
  'created_at',
  'created_by',
  'last_action',
  'last_actor',
  'last_action_at',
  'reviewed_at',
  'revoked_reason',
] as const satisfies (keyof Schema['keys'])[]

export type KeyRow = Pick<Selectable<Schema['keys']>, (typeof keyColumns)[number]>

export function toKey(row: KeyRow): Key {
  return {
    id: row.id,
    organizationId: row.organization_id,
    projectId: row.project_id,
    management: row.management ? { projects: row.management_projects } : null,
    kind: row.kind,
    environment: row.environment,
    name: row.name,
    purpose: row.purpose,
    owner: row.owner,
    contact: row.contact,
    scopes: row.scopes,
    allowedIps: row.allowed_ips,
    metadata: row.metadata,
    rateLimit: row.rate_limit,
    quota: row.quota,
    state: row.state,
    legacy: row.legacy,
    firstEndAt: row.first_end_at,
    lastEndAt: row.last_end_at,
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastAction: { action: row.last_action, actor: row.last_actor, at: row.last_action_at },
    reviewedAt: row.reviewed_at,
    revokedReason: row.revoked_reason,
  }
}

/** What of a key can change. Its ids, kind and creation cannot. */
export type KeyUpdate = Partial<
  Pick<
    Key,
    | 'name'
    | 'purpose'
    | 'owner'
    | 'contact'
    | 'scopes'
    | 'allowedIps'
    | 'metadata'
    | 'rateLimit'
    | 'quota'
    | 'state'
    | 'firstEndAt'
    | 'lastEndAt'
    | 'lastAction'
    | 'reviewedAt'
    | 'revokedReason'
  >
> &
  Partial<RotationStart>

/** The columns of the fields that are given. */
export function toKeyColumns(key: KeyUpdate): UpdateObject<Schema, 'keys'> {
  return {
    ...(key.name !== undefined && { name: key.name, name_key: nameKeyOf(key.name) }),
    ...(key.purpose !== undefined && { purpose: key.purpose }),
    ...(key.owner !== undefined && { owner: key.owner }),
    ...(key.contact !== undefined && { contact: key.contact }),
    ...(key.scopes && { scopes: [...key.scopes] }),
    ...(key.allowedIps && { allowed_ips: [...key.allowedIps] }),
    ...(key.metadata && { metadata: JSON.stringify(key.metadata) }),
    ...(key.rateLimit !== undefined && { rate_limit: toJson(key.rateLimit) }),
    ...(key.quota !== undefined && { quota: toJson(key.quota) }),
    ...(key.state && { state: key.state }),
    ...(key.firstEndAt !== undefined && { first_end_at: at(key.firstEndAt) }),
    ...(key.lastEndAt !== undefined && { last_end_at: at(key.lastEndAt) }),
    ...(key.lastAction && {
      last_action: key.lastAction.action,
      last_actor: JSON.stringify(key.lastAction.actor),
      last_action_at: at(key.lastAction.at),
    }),
    ...(key.reviewedAt !== undefined && { reviewed_at: key.reviewedAt === null ? null : at(key.reviewedAt) }),
    ...(key.revokedReason !== undefined && { revoked_reason: key.revokedReason }),
    ...(key.primaryMadeAt !== undefined && { primary_made_at: at(key.primaryMadeAt) }),
    ...(key.successorMadeAt !== undefined && {
      successor_made_at: key.successorMadeAt === null ? null : at(key.successorMadeAt),
    }),
  }
}

/** Null is no value, and not the value null of JSON. */
export const toJson = (value: object | null): string | null => (value === null ? null : JSON.stringify(value))

/** All of a secret but its digest, which leaves the database for nobody. */
export const secretColumns = [
  'id',
  'key_id',
  'slot',
  'hint',
  'value',
  'created_at',
  'expires_at',
  'retires_at',
  'overlap_started_at',
  'ended_at',
  'ended_by',
] as const satisfies (keyof Schema['secrets'])[]

export type SecretRow = Pick<Selectable<Schema['secrets']>, (typeof secretColumns)[number]>

export function toSecret(row: SecretRow): SecretRecord {
  return {
    id: row.id,
    keyId: row.key_id,
    slot: row.slot,
    hint: row.hint,
    value: row.value,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    retiresAt: row.retires_at,
    overlapStartedAt: row.overlap_started_at,
    endedAt: row.ended_at,
    endedBy: row.ended_by,
  }
}

/** @param lexemes made by `searchLexemes` */
export function tsvector(lexemes: readonly string[]): RawBuilder<string> {
  return sql<string>`array_to_tsvector(${[...lexemes]}::text[])`
}
