import type { ManagementKeyCreate } from '@keyturn/contract'
import { findManagementProject, findProjectIds } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireAtLeast, requireScope } from '../people/permissions.ts'
import { type IssuedKey, issueKey } from './issue-key.ts'

/**
 * Makes a key for Keyturn's own API. It lives in the organization's hidden project, with a limit of its own, and it expires
 * and is listed like any other.
 *
 * @throws DomainError insufficient_scope, cannot_give_more_than_you_have, project_not_found, and what `issueKey` throws
 */
export async function issueManagementKey(
  call: Call,
  organization: Organization,
  wanted: ManagementKeyCreate,
): Promise<IssuedKey> {
  requireScope(call.caller, 'management:write')
  const projects = wanted.projects ? await findProjectIds(call, organization.id, wanted.projects) : null
  requireAtLeast(call.caller, wanted.scopes, projects)
  const hidden = await findManagementProject(call.reader, organization.id)
  return issueKey(call, hidden, { ...wanted, kind: 'secret', environment: 'live' }, { projects })
}
