import { sql } from 'kysely'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { violates } from '../storage/driver-errors.ts'
import { at } from '../storage/driver-values.ts'
import type { TrackedCredential, TrackedFacts, TrackedValue } from './tracked-credential.ts'
import { credentialColumns, toCredential } from './tracked-rows.ts'

const factColumns = (facts: TrackedFacts) => ({
  fingerprint: facts.fingerprint,
  issuer: facts.issuer,
  subject: facts.subject,
  key_id: facts.keyId,
  expires_at: at(facts.expiresAt),
})

/** With its first value. @throws DomainError fingerprint_taken */
export async function insertCredential(
  tx: Tx,
  organizationId: string,
  credential: TrackedCredential,
  value: TrackedValue,
): Promise<void> {
  await tx
    .insertInto('tracked_credentials')
    .values({
      id: credential.id,
      organization_id: organizationId,
      project_id: credential.projectId,
      name: credential.name,
      purpose: credential.purpose,
      owner: credential.owner,
      contact: credential.contact,
      ...factColumns(credential),
      created_at: at(credential.createdAt),
      created_by: JSON.stringify(credential.createdBy),
      renewed_at: at(credential.renewedAt),
    })
    .execute()
  await insertValue(tx, organizationId, credential.id, 1, value)
}

/** @param number of the value among those of its credential @throws DomainError fingerprint_taken */
export async function insertValue(
  tx: Tx,
  organizationId: string,
  credentialId: string,
  number: number,
  value: TrackedValue,
): Promise<void> {
  try {
    await tx
      .insertInto('tracked_values')
      .values({
        credential_id: credentialId,
        organization_id: organizationId,
        number,
        ...factColumns(value),
        recorded_at: at(value.recordedAt),
        recorded_by: JSON.stringify(value.recordedBy),
      })
      .execute()
  } catch (error) {
    if (violates(error, 'tracked_values_fingerprint')) throw new DomainError('fingerprint_taken')
    throw error
  }
}

/** Deleted ones are not found. */
export async function findCredential(
  reader: Reader,
  organizationId: string,
  id: string,
): Promise<TrackedCredential | undefined> {
  const row = await reader
    .selectFrom('tracked_credentials')
    .select(credentialColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && toCredential(row)
}

/** Those that are there, and those that were, in no order. */
export async function findCredentialsEverTracked(
  reader: Reader,
  organizationId: string,
  ids: readonly string[],
): Promise<TrackedCredential[]> {
  const rows = await reader
    .selectFrom('tracked_credentials')
    .select(credentialColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .execute()
  return rows.map(toCredential)
}

/** The same, for changing it. @throws DomainError tracked_credential_not_found */
export async function lockCredential(tx: Tx, organizationId: string, id: string): Promise<TrackedCredential> {
  const row = await tx
    .selectFrom('tracked_credentials')
    .select(credentialColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new DomainError('tracked_credential_not_found')
  return toCredential(row)
}

/** Which credential has this value, or had it. */
export async function findByFingerprint(
  reader: Reader,
  organizationId: string,
  fingerprint: string,
): Promise<string | undefined> {
  const row = await reader
    .selectFrom('tracked_values')
    .select('credential_id')
    .where('organization_id', '=', organizationId)
    .where('fingerprint', '=', fingerprint)
    .where('forgotten', '=', false)
    .executeTakeFirst()
  return row?.credential_id
}

/** What is said of it, and the facts of its newest value, as they are from now on. */
export async function updateCredential(
  tx: Tx,
  organizationId: string,
  credential: TrackedCredential,
): Promise<TrackedCredential> {
  const row = await tx
    .updateTable('tracked_credentials')
    .set({
      name: credential.name,
      purpose: credential.purpose,
      owner: credential.owner,
      contact: credential.contact,
      ...factColumns(credential),
      renewed_at: at(credential.renewedAt),
      revision: sql`revision + 1`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', credential.id)
    .where('deleted_at', 'is', null)
    .returning(credentialColumns)
    .executeTakeFirst()
  if (!row) throw new DomainError('tracked_credential_not_found')
  return toCredential(row)
}

/** Its fingerprints are free again. */
export async function deleteCredential(tx: Tx, organizationId: string, id: string, now: Instant): Promise<void> {
  await tx
    .updateTable('tracked_credentials')
    .set({ deleted_at: at(now), revision: sql`revision + 1` })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  await tx
    .updateTable('tracked_values')
    .set({ forgotten: true })
    .where('organization_id', '=', organizationId)
    .where('credential_id', '=', id)
    .execute()
}

/** Newest first. */
export async function listValues(reader: Reader, organizationId: string, id: string): Promise<TrackedValue[]> {
  const rows = await reader
    .selectFrom('tracked_values')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('credential_id', '=', id)
    .orderBy('number', 'desc')
    .execute()
  return rows.map((row) => ({
    fingerprint: row.fingerprint,
    issuer: row.issuer,
    subject: row.subject,
    keyId: row.key_id,
    expiresAt: row.expires_at,
    recordedAt: row.recorded_at,
    recordedBy: row.recorded_by,
  }))
}

/** Newest first. @param projects null: of all, and of none */
export async function listCredentials(
  reader: Reader,
  organizationId: string,
  projects: readonly string[] | null,
  filter: { readonly owner: string | null },
  page: { before: string | null; limit: number },
): Promise<TrackedCredential[]> {
  let query = reader
    .selectFrom('tracked_credentials')
    .select(credentialColumns)
    .where('organization_id', '=', organizationId)
    .where('deleted_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (projects !== null) query = query.where('project_id', '=', sql<string>`any(${[...projects]}::text[])`)
  if (filter.owner !== null) query = query.where('owner', '=', filter.owner)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return (await query.execute()).map(toCredential)
}
