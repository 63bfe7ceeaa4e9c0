import { mayGive, type ProjectRole, type Role, type RoleOnProject, scopesOf } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { findProjectIds } from '../organizations/find.ts'
import type { Call, Ground } from './call.ts'
import { listAdministrators } from './member-store.ts'
import { requireAtLeast } from './permissions.ts'

export interface WantedRoles {
  readonly role?: Role | null | undefined
  readonly projects: readonly { readonly project: string; readonly role: ProjectRole }[]
}

export interface GivenRoles {
  readonly role: Role | null
  readonly projects: readonly RoleOnProject[]
}

/**
 * The roles with the projects as ids, where the caller may give them: nobody gives what they do not have, and only owners make
 * owners.
 *
 * @throws DomainError project_not_found, role_required, cannot_give_more_than_you_have
 */
export async function rolesToGive(call: Call, organizationId: string, wanted: WantedRoles): Promise<GivenRoles> {
  const role = wanted.role ?? null
  await requireToGive(call, organizationId, role)
  const projects: RoleOnProject[] = []
  for (const one of wanted.projects) {
    const [projectId = ''] = await findProjectIds(call, organizationId, [one.project])
    requireAtLeast(call.caller, scopesOf(one.role), [projectId])
    if (!projects.some((given) => given.project_id === projectId))
      projects.push({ project_id: projectId, role: one.role })
  }
  return { role, projects: projects.toSorted((a, b) => (a.project_id < b.project_id ? -1 : 1)) }
}

/** Whoever may not give a role may not take it away either. @throws DomainError role_required, cannot_give_more_than_you_have */
export async function requireToGive(call: Call, organizationId: string, role: Role | null): Promise<void> {
  const { caller } = call
  if (caller.person && !mayGive(caller.person.role, role)) throw await roleRequired(call, organizationId, ['owner'])
  if (role !== null) requireAtLeast(caller, scopesOf(role), null)
}

/** Says which role is wanted, and whom to ask for it. */
export async function roleRequired(
  { reader }: Pick<Ground, 'reader'>,
  organizationId: string,
  roles: readonly Role[],
): Promise<DomainError> {
  return new DomainError('role_required', {
    roles,
    administrators: await listAdministrators(reader, organizationId, 5),
  })
}
