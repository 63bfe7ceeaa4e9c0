import type { ManagementScope } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Caller } from './call.ts'

/** @throws DomainError insufficient_scope, naming the scope that is missing */
export function requireScope(caller: Caller, scope: ManagementScope): void {
  if (caller.scopes !== 'all' && !caller.scopes.has(scope)) throw new DomainError('insufficient_scope', { scope })
}

/** Only the root key stands above organizations. @throws DomainError root_key_required */
export function requireRoot(caller: Caller): void {
  if (caller.organizationId !== null) throw new DomainError('root_key_required')
}

/** What concerns a whole organization is not for a key that reaches only some of its projects. @throws DomainError whole_organization_required */
export function requireWholeOrganization(caller: Caller): void {
  if (caller.projects !== null) throw new DomainError('whole_organization_required')
}

export function reachesOrganization(caller: Caller, organizationId: string): boolean {
  return caller.organizationId === null || caller.organizationId === organizationId
}

export function reachesProject(caller: Caller, organizationId: string, projectId: string): boolean {
  return reachesOrganization(caller, organizationId) && (caller.projects === null || caller.projects.has(projectId))
}

/**
 * Nobody can give a key more than they have, nor change one that has more.
 *
 * @throws DomainError cannot_give_more_than_you_have, with the scopes or projects that are missing
 */
export function requireAtLeast(caller: Caller, scopes: readonly string[], projects: readonly string[] | null): void {
  const held = caller.scopes
  const missingScopes = held === 'all' ? [] : scopes.filter((scope) => ![...held].some((own) => own === scope))
  const reach = caller.projects
  const missingProjects = reach === null ? [] : projects === null ? ['all'] : projects.filter((id) => !reach.has(id))
  if (missingScopes.length + missingProjects.length > 0) {
    throw new DomainError('cannot_give_more_than_you_have', { scopes: missingScopes, projects: missingProjects })
  }
}
