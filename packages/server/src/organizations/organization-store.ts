import { type Selectable, sql, type Updateable } from 'kysely'
import { DomainError } from '../kernel/errors.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { violates } from '../storage/driver-errors.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { Organization } from './organization.ts'

const toOrganization = (row: Selectable<Schema['organizations']>): Organization => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  externalId: row.external_id,
  notificationEmail: row.notification_email,
  apiAccess: row.api_access,
  policy: row.policy,
  timeZone: row.time_zone,
  createdAt: row.created_at,
})

/** @throws DomainError slug_taken, external_id_taken */
export async function insertOrganization(tx: Tx, organization: Organization): Promise<void> {
  try {
    await tx
      .insertInto('organizations')
      .values({
        id: organization.id,
        slug: organization.slug,
        name: organization.name,
        external_id: organization.externalId,
        notification_email: organization.notificationEmail,
        api_access: organization.apiAccess,
        policy: JSON.stringify(organization.policy),
        time_zone: organization.timeZone,
        created_at: at(organization.createdAt),
      })
      .execute()
  } catch (error) {
    if (violates(error, 'organizations_slug_is_free')) throw new DomainError('slug_taken', { slug: organization.slug })
    if (violates(error, 'organizations_external_id_is_free')) {
      throw new DomainError('external_id_taken', { external_id: organization.externalId })
    }
    throw error
  }
}

export async function findOrganization(reader: Reader, organizationId: string): Promise<Organization | undefined> {
  const row = await reader.selectFrom('organizations').selectAll().where('id', '=', organizationId).executeTakeFirst()
  return row && toOrganization(row)
}

export async function findOrganizationBySlug(reader: Reader, slug: string): Promise<Organization | undefined> {
  const row = await reader.selectFrom('organizations').selectAll().where('slug', '=', slug).executeTakeFirst()
  return row && toOrganization(row)
}

/** For reading and changing it in one transaction. @throws DomainError organization_not_found */
export async function lockOrganization(tx: Tx, organizationId: string): Promise<Organization> {
  const row = await tx
    .selectFrom('organizations')
    .selectAll()
    .where('id', '=', organizationId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new DomainError('organization_not_found')
  return toOrganization(row)
}

export async function updateOrganization(
  tx: Tx,
  organizationId: string,
  values: Updateable<Schema['organizations']>,
): Promise<Organization> {
  const row = await tx
    .updateTable('organizations')
    .set({
      ...values,
      policy_revision: sql`policy_revision + (policy <> coalesce(${values.policy ?? null}::jsonb, policy))::integer`,
    })
    .where('id', '=', organizationId)
    .returningAll()
    .executeTakeFirstOrThrow()
  return toOrganization(row)
}

/** Of several those that are there. */
export async function findOrganizations(reader: Reader, ids: readonly string[]): Promise<Organization[]> {
  const rows = await reader
    .selectFrom('organizations')
    .selectAll()
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .execute()
  return rows.map(toOrganization)
}

/** In the order of their making. @param within ids; null: all of them */
export async function listOrganizations(
  reader: Reader,
  within: readonly string[] | null,
  page: { after: string | null; limit: number; externalId?: string | undefined },
): Promise<Organization[]> {
  let query = reader.selectFrom('organizations').selectAll().orderBy('id').limit(page.limit)
  if (within !== null) query = query.where('id', '=', sql<string>`any(${[...within]}::text[])`)
  if (page.externalId !== undefined) query = query.where('external_id', '=', page.externalId)
  if (page.after !== null) query = query.where('id', '>', page.after)
  return (await query.execute()).map(toOrganization)
}
