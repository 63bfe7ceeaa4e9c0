import { type Selectable, sql, type Updateable } from 'kysely'
import { DomainError } from '../kernel/errors.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { violates } from '../storage/driver-errors.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { Project, Renewal } from './organization.ts'

const toProject = (row: Selectable<Schema['projects']>): Project => ({
  id: row.id,
  organizationId: row.organization_id,
  slug: row.slug,
  name: row.name,
  externalId: row.external_id,
  management: row.management,
  apiAccess: row.api_access,
  policy: row.policy,
  createdAt: row.created_at,
  renewal: toRenewal(row),
})

function toRenewal(row: Selectable<Schema['projects']>): Renewal | null {
  const { renewal_requested_at: requestedAt, renewal_by: renewBy, renewal_reason: reason } = row
  return requestedAt === null || renewBy === null || reason === null ? null : { requestedAt, renewBy, reason }
}

/** @throws DomainError slug_taken, external_id_taken */
export async function insertProject(tx: Tx, organizationId: string, project: Project): Promise<void> {
  try {
    await tx
      .insertInto('projects')
      .values({
        id: project.id,
        organization_id: organizationId,
        slug: project.slug,
        name: project.name,
        external_id: project.externalId,
        management: project.management,
        api_access: project.apiAccess,
        policy: JSON.stringify(project.policy),
        created_at: at(project.createdAt),
      })
      .execute()
  } catch (error) {
    if (violates(error, 'projects_slug_is_free')) throw new DomainError('slug_taken', { slug: project.slug })
    if (violates(error, 'projects_external_id_is_free')) {
      throw new DomainError('external_id_taken', { external_id: project.externalId })
    }
    throw error
  }
}

/** @param organizationId null: of any organization, for the root key */
export async function findProject(
  reader: Reader,
  organizationId: string | null,
  id: string,
): Promise<Project | undefined> {
  let query = reader.selectFrom('projects').selectAll().where('id', '=', id)
  if (organizationId !== null) query = query.where('organization_id', '=', organizationId)
  const row = await query.executeTakeFirst()
  return row && toProject(row)
}

/** Of several projects those that are there, the hidden one too. */
export async function findProjectsById(
  reader: Reader,
  organizationId: string,
  ids: readonly string[],
): Promise<Project[]> {
  const rows = await reader
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .execute()
  return rows.map(toProject)
}

/**
 * Projects with this slug: at most one in an organization. The hidden one is not among them.
 *
 * @param organizationId null: of any organization, for the root key
 */
export async function findProjectsBySlug(
  reader: Reader,
  organizationId: string | null,
  slug: string,
): Promise<Project[]> {
  let query = reader
    .selectFrom('projects')
    .selectAll()
    .where('slug', '=', slug)
    .where('management', '=', false)
    .limit(2)
  if (organizationId !== null) query = query.where('organization_id', '=', organizationId)
  return (await query.execute()).map(toProject)
}

export async function findManagementProject(reader: Reader, organizationId: string): Promise<Project | undefined> {
  const row = await reader
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('management', '=', true)
    .executeTakeFirst()
  return row && toProject(row)
}

/**
 * For changing it, or the number of its keys: who creates a key waits here for whoever is creating another.
 *
 * @throws DomainError project_not_found
 */
export async function lockProject(tx: Tx, organizationId: string, projectId: string): Promise<Project> {
  const row = await tx
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('id', '=', projectId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new DomainError('project_not_found')
  return toProject(row)
}

export async function updateProject(
  tx: Tx,
  organizationId: string,
  projectId: string,
  values: Updateable<Schema['projects']>,
): Promise<Project> {
  const row = await tx
    .updateTable('projects')
    .set({
      ...values,
      policy_revision: sql`policy_revision + (policy <> coalesce(${values.policy ?? null}::jsonb, policy))::integer`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', projectId)
    .returningAll()
    .executeTakeFirstOrThrow()
  return toProject(row)
}

/** Takes the place of what was asked before. */
export async function setRenewal(
  tx: Tx,
  organizationId: string,
  projectId: string,
  { requestedAt, renewBy, reason }: Renewal,
): Promise<Project> {
  const row = await tx
    .updateTable('projects')
    .set({ renewal_requested_at: at(requestedAt), renewal_by: at(renewBy), renewal_reason: reason })
    .where('organization_id', '=', organizationId)
    .where('id', '=', projectId)
    .returningAll()
    .executeTakeFirstOrThrow()
  return toProject(row)
}

/** All of them, the hidden one too. */
export async function listAllProjects(reader: Reader, organizationId: string): Promise<Project[]> {
  const rows = await reader.selectFrom('projects').selectAll().where('organization_id', '=', organizationId).execute()
  return rows.map(toProject)
}

/** In the order of their making, without the hidden one. @param within ids; null: all */
export async function listProjects(
  reader: Reader,
  organizationId: string,
  within: readonly string[] | null,
  page: { after: string | null; limit: number; externalId?: string | undefined },
): Promise<Project[]> {
  let query = reader
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('management', '=', false)
    .orderBy('id')
    .limit(page.limit)
  if (within !== null) query = query.where('id', '=', sql<string>`any(${[...within]}::text[])`)
  if (page.externalId !== undefined) query = query.where('external_id', '=', page.externalId)
  if (page.after !== null) query = query.where('id', '>', page.after)
  return (await query.execute()).map(toProject)
}
