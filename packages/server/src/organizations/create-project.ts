import { recordChange } from '../audit/record-change.ts'
import { newId } from '../kernel/ids.ts'
import { type Instant, never } from '../kernel/instant.ts'
import { randomBase62 } from '../kernel/random.ts'
import { type IssuedKey, issueLegacyKey } from '../keys/issue-key.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Tx } from '../storage/database.ts'
import type { ProjectWithPolicy } from './find.ts'
import type { Organization, Project } from './organization.ts'
import { lockOrganization } from './organization-store.ts'
import { effectivePolicy } from './policy.ts'
import { insertProject } from './project-store.ts'
import { slugFrom } from './slugs.ts'

export interface WantedProject {
  readonly name: string
  readonly slug?: string | undefined
  readonly external_id?: string | null | undefined
}

/**
 * Makes a project, born with its legacy key.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, organization_not_found, slug_taken, external_id_taken
 */
export async function createProject(
  call: Call,
  organization: Organization,
  wanted: WantedProject,
): Promise<ProjectWithPolicy> {
  requireScope(call.caller, 'projects:write')
  requireWholeOrganization(call.caller)
  return call.change(async (tx) => {
    const locked = await lockOrganization(tx, organization.id)
    const now = await call.now(tx)
    const { place } = await insertProjectWithLegacyKey(tx, call, locked, now, wanted)
    return place
  })
}

/** For createOrganization too, which makes its first project itself. */
export async function insertProjectWithLegacyKey(
  tx: Tx,
  call: Call,
  organization: Organization,
  now: Instant,
  wanted: WantedProject,
): Promise<{ place: ProjectWithPolicy; legacyKey: IssuedKey }> {
  const project = newProject(organization, now, wanted)
  await insertProject(tx, organization.id, project)
  await recordChange(tx, call, now, {
    action: 'project.created',
    organizationId: organization.id,
    projectId: project.id,
    target: { type: 'project', id: project.id, name: project.name },
    before: null,
    after: { name: project.name, slug: project.slug, external_id: project.externalId },
    affects: null,
  })
  const place = { organization, project, policy: effectivePolicy(organization.policy) }
  return { place, legacyKey: await issueLegacyKey(tx, call, place, now, never) }
}

/** The hidden one, where an organization's management keys live. Its slug is one that nobody can ask for. */
export function managementProject(organization: Organization, now: Instant): Project {
  return { ...newProject(organization, now, { name: 'Management keys', slug: '_management' }), management: true }
}

function newProject(organization: Organization, now: Instant, wanted: WantedProject): Project {
  return {
    id: newId('project', now),
    organizationId: organization.id,
    slug: wanted.slug ?? (slugFrom(wanted.name) || `project-${randomBase62(6).toLowerCase()}`),
    name: wanted.name,
    externalId: wanted.external_id ?? null,
    management: false,
    apiAccess: true,
    policy: {},
    createdAt: now,
    renewal: null,
  }
}
