import type * as wire from '@keyturn/contract'
import { formatInstant, formatTime, seconds } from '../kernel/instant.ts'
import type { IssuedKey } from '../keys/issue-key.ts'
import { isLive, secretStatusAt } from '../keys/secret.ts'
import { isExpiring, nextExpiryAt, statusAt } from '../keys/state.ts'
import type { KeyView, SecretWithUse } from '../keys/view-keys.ts'
import type { ProjectWithPolicy } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import { effectivePolicy, publicPolicy } from '../organizations/policy.ts'

export function toWireOrganization(organization: Organization): wire.Organization {
  return {
    id: organization.id,
    name: organization.name,
    slug: organization.slug,
    external_id: organization.externalId,
    notification_email: organization.notificationEmail,
    api_access: organization.apiAccess,
    policy: publicPolicy(effectivePolicy(organization.policy)),
    created_at: formatTime(organization.createdAt),
  }
}

export function toWireProject({ project, policy }: Pick<ProjectWithPolicy, 'project' | 'policy'>): wire.Project {
  return {
    id: project.id,
    organization_id: project.organizationId,
    name: project.name,
    slug: project.slug,
    external_id: project.externalId,
    api_access: project.apiAccess,
    policy: publicPolicy(policy),
    policy_overrides: project.policy,
    created_at: formatTime(project.createdAt),
  }
}

export function toWireKey({ key, secrets, policy, warnings, now }: KeyView): wire.Key {
  const live = secrets.filter((secret) => isLive(secret, now))
  const lastUses = secrets.map((secret) => secret.lastUsedAt).filter((use) => use !== null)
  const oldestLive = live.length > 0 ? Math.min(...live.map((secret) => secret.createdAt)) : null
  return {
    id: key.id,
    organization_id: key.organizationId,
    project_id: key.projectId,
    name: key.name,
    kind: key.kind,
    environment: key.environment,
    status: statusAt(key, now),
    expiring: key.state !== 'revoked' && isExpiring(secrets, policy.reminder_thresholds, now),
    rotating: live.length > 1,
    legacy: key.legacy,
    purpose: key.purpose,
    owner: key.owner,
    contact: key.contact,
    scopes: [...key.scopes],
    allowed_ips: [...key.allowedIps],
    metadata: key.metadata,
    rate_limit: null,
    never_expires: key.lastEndAt === Number.POSITIVE_INFINITY,
    expires_at: formatInstant(key.lastEndAt),
    next_expiry_at: formatInstant(nextExpiryAt(key, now)),
    rotation_due_at:
      policy.rotate_every === null || oldestLive === null
        ? null
        : formatInstant(oldestLive + seconds(policy.rotate_every)),
    last_used_at: lastUses.length > 0 ? formatTime(Math.max(...lastUses)) : null,
    created_at: formatTime(key.createdAt),
    created_by: key.createdBy,
    last_action: { action: key.lastAction.action, actor: key.lastAction.actor, at: formatTime(key.lastAction.at) },
    reviewed_at: key.reviewedAt === null ? null : formatTime(key.reviewedAt),
    revoked_reason: key.revokedReason,
    management: key.management && { projects: key.management.projects ? [...key.management.projects] : null },
    secrets: secrets.map((secret) => toWireSecret(secret, now)),
    warnings: [...warnings],
  }
}

/** @param value at creation alone; a publishable one is shown always */
function toWireSecret(secret: SecretWithUse, now: number, value: string | null = null): wire.Secret {
  return {
    id: secret.id,
    slot: secret.slot,
    status: secretStatusAt(secret, now),
    staged: false,
    hint: secret.hint,
    created_at: formatTime(secret.createdAt),
    expires_at: formatInstant(secret.expiresAt),
    retires_at: secret.retiresAt === null ? null : formatTime(secret.retiresAt),
    last_used_at: secret.lastUsedAt === null ? null : formatTime(secret.lastUsedAt),
    value: value ?? secret.value,
  }
}

/** @param showValue false for an answer that is told again after its secret may be shown no more */
export function toWireIssued(
  { view, secretId, value }: IssuedKey,
  showValue: boolean,
): { key: wire.Key; secret: wire.Secret } {
  const secret = view.secrets.find((candidate) => candidate.id === secretId)
  if (!secret) throw new Error('a key was issued, but its secret is not there')
  return { key: toWireKey(view), secret: toWireSecret(secret, view.now, showValue ? value.reveal() : null) }
}
