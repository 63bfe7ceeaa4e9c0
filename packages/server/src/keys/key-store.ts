import { sql } from 'kysely'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import { never } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Key, SecretRecord } from './key.ts'
import {
  type KeyUpdate,
  keyColumns,
  secretColumns,
  toJson,
  toKey,
  toKeyColumns,
  toSecret,
  tsvector,
} from './key-rows.ts'
import { nameKeyOf } from './name-advice.ts'

export type { KeyUpdate } from './key-rows.ts'

export async function insertKey(
  tx: Tx,
  organizationId: string,
  key: Key,
  searchLexemes: readonly string[],
): Promise<void> {
  await tx
    .insertInto('keys')
    .values({
      id: key.id,
      organization_id: organizationId,
      project_id: key.projectId,
      management: key.management !== null,
      management_projects: key.management?.projects ? [...key.management.projects] : null,
      kind: key.kind,
      environment: key.environment,
      name: key.name,
      name_key: nameKeyOf(key.name),
      purpose: key.purpose,
      owner: key.owner,
      contact: key.contact,
      scopes: [...key.scopes],
      allowed_ips: [...key.allowedIps],
      metadata: JSON.stringify(key.metadata),
      rate_limit: toJson(key.rateLimit),
      quota: toJson(key.quota),
      state: key.state,
      legacy: key.legacy,
      first_end_at: at(key.firstEndAt),
      last_end_at: at(key.lastEndAt),
      created_at: at(key.createdAt),
      created_by: JSON.stringify(key.createdBy),
      last_action: key.lastAction.action,
      last_actor: JSON.stringify(key.lastAction.actor),
      last_action_at: at(key.lastAction.at),
      reviewed_at: null,
      revoked_reason: null,
      search: tsvector(searchLexemes),
      // A key is born with its first secret.
      primary_made_at: at(key.createdAt),
      successor_made_at: null,
    })
    .execute()
  await tx
    .insertInto('key_activity')
    .values({
      key_id: key.id,
      organization_id: organizationId,
      project_id: key.projectId,
      management: key.management !== null,
      state: key.state,
      last_used_at: at(-never),
    })
    .execute()
}

/** @param digest SHA-256 of the value */
export async function insertSecret(
  tx: Tx,
  organizationId: string,
  secret: SecretRecord,
  digest: Uint8Array,
): Promise<void> {
  await tx
    .insertInto('secrets')
    .values({
      id: secret.id,
      key_id: secret.keyId,
      organization_id: organizationId,
      slot: secret.slot,
      digest,
      hint: secret.hint,
      value: secret.value,
      created_at: at(secret.createdAt),
      expires_at: at(secret.expiresAt),
      retires_at: secret.retiresAt === null ? null : at(secret.retiresAt),
      ended_at: null,
      ended_by: null,
    })
    .execute()
  await tx
    .insertInto('secret_activity')
    .values({ secret_id: secret.id, last_used_at: at(-never) })
    .execute()
}

/** Deleted keys are not found. @param organizationId null: of any organization, for the root key */
export async function findKey(reader: Reader, organizationId: string | null, keyId: string): Promise<Key | undefined> {
  let query = reader.selectFrom('keys').select(keyColumns).where('id', '=', keyId).where('state', '<>', 'deleted')
  if (organizationId !== null) query = query.where('organization_id', '=', organizationId)
  const row = await query.executeTakeFirst()
  return row && toKey(row)
}

/** Those that are there, in no order; deleted ones are not. */
export async function findKeys(reader: Reader, organizationId: string, keyIds: readonly string[]): Promise<Key[]> {
  const rows = await reader
    .selectFrom('keys')
    .select(keyColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...keyIds]}::text[])`)
    .where('state', '<>', 'deleted')
    .execute()
  return rows.map(toKey)
}

/** The same, deleted ones among them. */
export async function findKeysEverMade(
  reader: Reader,
  organizationId: string,
  keyIds: readonly string[],
): Promise<Key[]> {
  const rows = await reader
    .selectFrom('keys')
    .select(keyColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...keyIds]}::text[])`)
    .execute()
  return rows.map(toKey)
}

/** For changing it. @throws DomainError key_not_found */
export async function lockKey(tx: Tx, organizationId: string, keyId: string): Promise<Key> {
  const row = await tx
    .selectFrom('keys')
    .select(keyColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', keyId)
    .where('state', '<>', 'deleted')
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new DomainError('key_not_found')
  return toKey(row)
}

/**
 * Changes a key that nobody else has moved meanwhile.
 *
 * @param key as it was read: its state guards the write
 * @param searchLexemes where the words under which it is found change
 * @throws DomainError key_changed if somebody has moved it
 */
export async function updateKey(
  tx: Tx,
  organizationId: string,
  key: Pick<Key, 'id' | 'state'>,
  update: KeyUpdate,
  searchLexemes?: readonly string[],
): Promise<Key> {
  const row = await tx
    .updateTable('keys')
    .set({
      ...toKeyColumns(update),
      ...(searchLexemes && { search: tsvector(searchLexemes) }),
      revision: sql`revision + 1`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', key.id)
    .where('state', '=', key.state)
    .returning(keyColumns)
    .executeTakeFirst()
  if (!row) throw new DomainError('key_changed')
  if (row.state !== key.state) {
    await tx.updateTable('key_activity').set({ state: row.state }).where('key_id', '=', key.id).execute()
  }
  return toKey(row)
}

/** Oldest first, ended ones too. */
export async function listSecrets(reader: Reader, organizationId: string, keyId: string): Promise<SecretRecord[]> {
  const rows = await reader
    .selectFrom('secrets')
    .select(secretColumns)
    .where('organization_id', '=', organizationId)
    .where('key_id', '=', keyId)
    .orderBy('id')
    .execute()
  return rows.map(toSecret)
}

/**
 * Slot, ends and overlap of a secret, as it is from now on. One that somebody ended stays as it is, whatever comes.
 *
 * @throws DomainError key_changed where it was ended meanwhile
 */
export async function updateSecret(tx: Tx, organizationId: string, secret: SecretRecord): Promise<void> {
  const orNull = (instant: Instant | null) => (instant === null ? null : at(instant))
  const row = await tx
    .updateTable('secrets')
    .set({
      slot: secret.slot,
      expires_at: at(secret.expiresAt),
      retires_at: orNull(secret.retiresAt),
      overlap_started_at: orNull(secret.overlapStartedAt),
      ended_at: orNull(secret.endedAt),
      ended_by: secret.endedBy,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', secret.id)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new DomainError('key_changed')
}

/** Ends every live secret of a key. Those that ended before keep their own end. */
export async function revokeSecrets(tx: Tx, organizationId: string, keyId: string, now: Instant): Promise<void> {
  await tx
    .updateTable('secrets')
    .set({ ended_at: at(now), ended_by: 'revoke' })
    .where('organization_id', '=', organizationId)
    .where('key_id', '=', keyId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', at(now))
    .where((where) => where.or([where('retires_at', 'is', null), where('retires_at', '>', at(now))]))
    .execute()
}

/** How many keys count against the limit. Counting stops there, so that it costs no more than the limit is high. */
export async function countActiveKeys(
  tx: Tx,
  organizationId: string,
  projectId: string,
  now: Instant,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (
      select from keys
      where organization_id = ${organizationId} and project_id = ${projectId}
        and state in ('active', 'disabled') and last_end_at > ${at(now)}
      limit ${limit}
    ) as active`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Another active key of the project that bears this name, if there is one. */
export async function findNamesake(
  tx: Tx,
  organizationId: string,
  key: Pick<Key, 'id' | 'projectId' | 'name'>,
  now: Instant,
): Promise<string | undefined> {
  const row = await tx
    .selectFrom('keys')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('project_id', '=', key.projectId)
    .where('state', 'in', ['active', 'disabled'])
    .where('name_key', '=', nameKeyOf(key.name))
    .where('last_end_at', '>', at(now))
    .where('id', '<>', key.id)
    .limit(1)
    .executeTakeFirst()
  return row?.id
}
