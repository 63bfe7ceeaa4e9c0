import { isAllowed, type ManagementScope } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Caller } from './call.ts'

/** @throws DomainError insufficient_scope, naming the scope that is missing */
export function requireScope(caller: Caller, scope: ManagementScope): void {
  if (caller.scopes !== 'all' && !caller.scopes.has(scope)) throw new DomainError('insufficient_scope', { scope })
}

export const recentMinutes = 15

/**
 * What would hurt most wants a person who is really there: a session that was left open is not enough. A key is not asked.
 *
 * @throws DomainError recent_sign_in_required
 */
export function requireRecentSignIn(caller: Caller, now: Instant): void {
  if (caller.person && now - caller.person.signedInAt > recentMinutes * 60_000)
    throw new DomainError('recent_sign_in_required', { minutes: recentMinutes })
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
 * Management keys are for whoever reaches their whole organization; of people, for those whose role says so.
 */
export function reachesManagementKeys({ projects, person }: Caller): boolean {
  if (projects !== null) return false
  const standing = { role: person?.role ?? null, projects: new Map() }
  return !person || isAllowed('management_keys:read', standing, { projectId: null }, person.email)
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
