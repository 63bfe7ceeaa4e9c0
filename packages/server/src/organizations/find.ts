import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import type { Call } from '../people/call.ts'
import { reachesOrganization, reachesProject } from '../people/permissions.ts'
import type { Reader, Tx } from '../storage/database.ts'
import type { Organization, Project } from './organization.ts'
import * as organizations from './organization-store.ts'
import { type EffectivePolicy, effectivePolicy } from './policy.ts'
import * as projects from './project-store.ts'

/**
 * By id or slug. What the caller does not reach is not there: the error is the same (design, promise 7).
 *
 * @throws DomainError organization_not_found
 */
export async function findOrganization(call: Call, idOrSlug: string): Promise<Organization> {
  const found = isIdOf('organization', idOrSlug)
    ? await organizations.findOrganization(call.reader, idOrSlug)
    : await organizations.findOrganizationBySlug(call.reader, idOrSlug)
  if (!found || !reachesOrganization(call.caller, found.id)) throw new DomainError('organization_not_found')
  return found
}

/**
 * By id or slug. A slug is looked for in the caller's organization; the root key, which has none, is told when several
 * organizations have a project of that name.
 *
 * @throws DomainError project_not_found, slug_is_ambiguous
 */
export async function findProject(call: Call, idOrSlug: string): Promise<Project> {
  const { organizationId } = call.caller
  if (isIdOf('project', idOrSlug)) {
    const found = await projects.findProject(call.reader, organizationId, idOrSlug)
    if (!found || found.management || !reachesProject(call.caller, found.organizationId, found.id)) {
      throw new DomainError('project_not_found')
    }
    return found
  }
  const [found, another] = await projects.findProjectsBySlug(call.reader, organizationId, idOrSlug)
  if (another) throw new DomainError('slug_is_ambiguous', { slug: idOrSlug })
  if (!found || !reachesProject(call.caller, found.organizationId, found.id)) throw new DomainError('project_not_found')
  return found
}

/** Wherever it is, for asking whether somebody reaches it. */
export function locateOrganization(reader: Reader, idOrSlug: string): Promise<Organization | undefined> {
  return isIdOf('organization', idOrSlug)
    ? organizations.findOrganization(reader, idOrSlug)
    : organizations.findOrganizationBySlug(reader, idOrSlug)
}

/** In one of these organizations. @throws DomainError slug_is_ambiguous */
export async function locateProject(
  reader: Reader,
  organizationIds: readonly string[],
  idOrSlug: string,
): Promise<Project | undefined> {
  const found: Project[] = []
  for (const organizationId of organizationIds) {
    if (isIdOf('project', idOrSlug)) {
      const project = await projects.findProject(reader, organizationId, idOrSlug)
      if (project && !project.management) return project
    } else found.push(...(await projects.findProjectsBySlug(reader, organizationId, idOrSlug)))
  }
  if (found.length > 1) throw new DomainError('slug_is_ambiguous', { slug: idOrSlug })
  return found[0]
}

/** What organizations are called, by their ids. */
export async function nameOrganizations(reader: Reader, ids: readonly string[]): Promise<Map<string, Organization>> {
  const found = await organizations.findOrganizations(reader, ids)
  return new Map(found.map((organization) => [organization.id, organization]))
}

/** What projects are called, by their ids; the hidden one is called what it holds. */
export async function nameProjects(
  reader: Reader,
  organizationId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const found = await projects.findProjectsById(reader, organizationId, ids)
  return new Map(found.map(({ id, name }) => [id, name]))
}

/** The oldest: the one that the first start made. */
export async function findFirstOrganization(reader: Reader): Promise<Organization> {
  const [first] = await organizations.listOrganizations(reader, null, { after: null, limit: 1 })
  if (!first) throw new DomainError('organization_not_found')
  return first
}

/** The hidden project of an organization that holds its management keys. */
export async function findManagementProject(reader: Reader, organizationId: string): Promise<Project> {
  const found = await projects.findManagementProject(reader, organizationId)
  if (!found) throw new DomainError('organization_not_found')
  return found
}

/** Several of one organization, by id or slug, as ids. @throws DomainError project_not_found */
export async function findProjectIds(
  call: Call,
  organizationId: string,
  idsOrSlugs: readonly string[],
): Promise<string[]> {
  const ids: string[] = []
  for (const idOrSlug of idsOrSlugs) {
    const found = isIdOf('project', idOrSlug)
      ? await projects.findProject(call.reader, organizationId, idOrSlug)
      : (await projects.findProjectsBySlug(call.reader, organizationId, idOrSlug))[0]
    if (!found || found.management || !reachesProject(call.caller, organizationId, found.id)) {
      throw new DomainError('project_not_found')
    }
    ids.push(found.id)
  }
  return [...new Set(ids)]
}

export interface ProjectWithPolicy {
  readonly organization: Organization
  readonly project: Project
  readonly policy: EffectivePolicy
}

/** A project with the rules in force. @throws DomainError project_not_found */
export async function readProject(
  reader: Reader,
  organizationId: string,
  projectId: string,
): Promise<ProjectWithPolicy> {
  const organization = await organizations.findOrganization(reader, organizationId)
  const project = await projects.findProject(reader, organizationId, projectId)
  if (!organization || !project) throw new DomainError('project_not_found')
  return { organization, project, policy: effectivePolicy(organization.policy, project.policy) }
}

/** The rules in force in several projects of an organization, by their ids: in two queries, however many there are. */
export async function readPolicies(
  reader: Reader,
  organizationId: string,
  projectIds: readonly string[],
): Promise<Map<string, EffectivePolicy>> {
  const organization = await organizations.findOrganization(reader, organizationId)
  if (!organization) return new Map()
  const found = await projects.findProjectsById(reader, organizationId, projectIds)
  return new Map(found.map(({ id, policy }) => [id, effectivePolicy(organization.policy, policy)]))
}

/** All projects of an organization with the rules in force, the hidden one too: in two queries. */
export async function readProjects(reader: Reader, organizationId: string): Promise<ProjectWithPolicy[]> {
  const organization = await organizations.findOrganization(reader, organizationId)
  if (!organization) return []
  const all = await projects.listAllProjects(reader, organizationId)
  return all.map((project) => ({ organization, project, policy: effectivePolicy(organization.policy, project.policy) }))
}

/**
 * A project with the rules in force, locked: for whoever changes the number of its keys.
 *
 * @throws DomainError project_not_found
 */
export async function lockProjectForKeys(
  tx: Tx,
  organizationId: string,
  projectId: string,
): Promise<ProjectWithPolicy> {
  const project = await projects.lockProject(tx, organizationId, projectId)
  const organization = await organizations.findOrganization(tx, organizationId)
  if (!organization) throw new DomainError('project_not_found')
  return { organization, project, policy: effectivePolicy(organization.policy, project.policy) }
}

/** For whoever changes who belongs to it. @throws DomainError organization_not_found */
export async function lockOrganizationForMembers(tx: Tx, organizationId: string): Promise<void> {
  await organizations.lockOrganization(tx, organizationId)
}
