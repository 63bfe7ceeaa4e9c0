import type { OrganizationPolicyEdit } from '@keyturn/contract'
import type { Call } from '../people/call.ts'
import { requireRecentSignIn, requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Organization } from './organization.ts'
import { lockOrganization, updateOrganization } from './organization-store.ts'
import { changesWarnings, editOrganizationPolicy, effectivePolicy, publicPolicy } from './policy.ts'
import { recordEdit } from './record-edit.ts'

export interface OrganizationEdit {
  readonly name?: string | undefined
  readonly api_access?: boolean | undefined
  readonly notification_email?: string | null | undefined
  readonly time_zone?: string | undefined
  readonly policy?: OrganizationPolicyEdit | undefined
}

/**
 * Changes what is given. A stricter policy changes no key that exists.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, organization_not_found, policy_is_inconsistent,
 *   recent_sign_in_required for a policy, and for the switch to off
 */
export async function editOrganization(
  call: Call,
  organization: Organization,
  edit: OrganizationEdit,
): Promise<Organization> {
  // A name is everybody's, a rule or the switch is not: one scope for all of them, the stronger.
  requireScope(call.caller, 'policy:write')
  requireWholeOrganization(call.caller)
  return call.change(async (tx) => {
    const before = await lockOrganization(tx, organization.id)
    const now = await call.now(tx)
    if (edit.policy !== undefined || edit.api_access === false) requireRecentSignIn(call.caller, now)
    const policy = edit.policy ? editOrganizationPolicy(before.policy, edit.policy) : before.policy
    const after = await updateOrganization(tx, organization.id, {
      name: edit.name ?? before.name,
      notification_email: edit.notification_email === undefined ? before.notificationEmail : edit.notification_email,
      api_access: edit.api_access ?? before.apiAccess,
      time_zone: edit.time_zone ?? before.timeZone,
      policy: JSON.stringify(policy),
    })
    const rules = (of: Organization) => publicPolicy(effectivePolicy(of.policy))
    await recordEdit(
      tx,
      call,
      now,
      { type: 'organization', id: after.id, name: after.name, organizationId: after.id },
      [
        { action: 'organization.updated', before: plain(before), after: plain(after), affectsVerdicts: false },
        {
          action: after.apiAccess ? 'organization.api_access_enabled' : 'organization.api_access_disabled',
          before: { api_access: before.apiAccess },
          after: { api_access: after.apiAccess },
          affectsVerdicts: true,
        },
        {
          action: 'organization.policy_changed',
          before: rules(before),
          after: rules(after),
          affectsVerdicts: changesWarnings(before.policy, after.policy),
        },
      ],
    )
    return after
  })
}

const plain = (organization: Organization) => ({
  name: organization.name,
  notification_email: organization.notificationEmail,
  time_zone: organization.timeZone,
})
