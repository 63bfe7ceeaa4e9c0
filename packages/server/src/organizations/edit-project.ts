import type { ProjectPolicyEdit } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Call } from '../people/call.ts'
import { requireRecentSignIn, requireScope } from '../people/permissions.ts'
import type { ProjectWithPolicy } from './find.ts'
import type { Project } from './organization.ts'
import { lockOrganization } from './organization-store.ts'
import { changesWarnings, editProjectPolicy, effectivePolicy } from './policy.ts'
import { lockProject, updateProject } from './project-store.ts'
import { recordEdit } from './record-edit.ts'

export interface ProjectEdit {
  readonly name?: string | undefined
  readonly api_access?: boolean | undefined
  readonly policy?: ProjectPolicyEdit | undefined
}

/**
 * Changes what is given. A name wants `projects:write`; the switch and the policy want `policy:write`.
 *
 * @throws DomainError insufficient_scope, project_not_found, policy_looser_than_organization, policy_is_inconsistent,
 *   recent_sign_in_required for a policy, and for the switch to off
 */
export async function editProject(call: Call, project: Project, edit: ProjectEdit): Promise<ProjectWithPolicy> {
  const onlyName = edit.api_access === undefined && edit.policy === undefined
  requireScope(call.caller, onlyName ? 'projects:write' : 'policy:write')
  return call.change(async (tx) => {
    // The organization too: its policy bounds the project's, and must not change in between.
    const organization = await lockOrganization(tx, project.organizationId)
    const before = await lockProject(tx, project.organizationId, project.id)
    if (before.management) throw new DomainError('project_not_found')
    const now = await call.now(tx)
    if (edit.policy !== undefined || edit.api_access === false) requireRecentSignIn(call.caller, now)
    const policy = edit.policy ? editProjectPolicy(organization.policy, before.policy, edit.policy) : before.policy
    const after = await updateProject(tx, organization.id, project.id, {
      name: edit.name ?? before.name,
      api_access: edit.api_access ?? before.apiAccess,
      policy: JSON.stringify(policy),
    })
    await recordEdit(
      tx,
      call,
      now,
      { type: 'project', id: after.id, name: after.name, organizationId: organization.id },
      [
        {
          action: 'project.updated',
          before: { name: before.name },
          after: { name: after.name },
          affectsVerdicts: false,
        },
        {
          action: after.apiAccess ? 'project.api_access_enabled' : 'project.api_access_disabled',
          before: { api_access: before.apiAccess },
          after: { api_access: after.apiAccess },
          affectsVerdicts: true,
        },
        {
          action: 'project.policy_changed',
          before: before.policy,
          after: after.policy,
          affectsVerdicts: changesWarnings(before.policy, after.policy),
        },
      ],
    )
    return { organization, project: after, policy: effectivePolicy(organization.policy, after.policy) }
  })
}
