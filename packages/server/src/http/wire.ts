import type * as wire from '@keyturn/contract'
import { rotationDueAt, secretRotationDueAt } from '../expirations/expiration.ts'
import { formatInstant, formatTime, type Instant } from '../kernel/instant.ts'
import type { ChangedKey } from '../keys/change-secrets.ts'
import type { IssuedKey } from '../keys/issue-key.ts'
import { secretStatusAt } from '../keys/secret.ts'
import { normalise, slotAt } from '../keys/slots.ts'
import { isExpiring, nextExpiryAt, statusAt } from '../keys/state.ts'
import type { KeyView, SecretWithUse } from '../keys/view-keys.ts'
import type { ProjectWithPolicy } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import { effectivePolicy, publicPolicy } from '../organizations/policy.ts'
import { type ClaimLink, claimLinkStatusAt } from '../rotation/claim-link.ts'
import type { CutOver } from '../rotation/cut-over.ts'
import type { CallsBySpan } from '../usage/calls.ts'
import { toWireComing } from './reminder-wire.ts'

const orNull = (instant: Instant | null) => (instant === null ? null : formatTime(instant))

export function toWireOrganization(organization: Organization): wire.Organization {
  return {
    id: organization.id,
    name: organization.name,
    slug: organization.slug,
    external_id: organization.externalId,
    notification_email: organization.notificationEmail,
    time_zone: organization.timeZone,
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
    renewal: project.renewal && {
      requested_at: formatTime(project.renewal.requestedAt),
      renew_by: formatTime(project.renewal.renewBy),
      reason: project.renewal.reason,
    },
    created_at: formatTime(project.createdAt),
  }
}

export function toWireKey(view: KeyView): wire.Key {
  const { key, secrets, policy, warnings, now } = view
  const slots = normalise(secrets, now)
  const lastUses = secrets.map((secret) => secret.lastUsedAt).filter((use) => use !== null)
  return {
    id: key.id,
    organization_id: key.organizationId,
    project_id: key.projectId,
    name: key.name,
    kind: key.kind,
    environment: key.environment,
    status: statusAt(key, now),
    expiring: key.state !== 'revoked' && isExpiring(secrets, policy.reminder_thresholds, now),
    rotating: slots.state === 'staged' || slots.state === 'retiring',
    legacy: key.legacy,
    purpose: key.purpose,
    owner: key.owner,
    contact: key.contact,
    scopes: [...key.scopes],
    allowed_ips: [...key.allowedIps],
    metadata: key.metadata,
    rate_limit: key.rateLimit && { windows: [...key.rateLimit.windows] },
    quota: key.quota,
    never_expires: key.lastEndAt === Number.POSITIVE_INFINITY,
    expires_at: formatInstant(key.lastEndAt),
    next_expiry_at: formatInstant(nextExpiryAt(key, now)),
    rotation_due_at: orNull(rotationDueAt(view)),
    last_used_at: lastUses.length > 0 ? formatTime(Math.max(...lastUses)) : null,
    last_refused: lastRefused(secrets),
    created_at: formatTime(key.createdAt),
    created_by: key.createdBy,
    last_action: { action: key.lastAction.action, actor: key.lastAction.actor, at: formatTime(key.lastAction.at) },
    reviewed_at: key.reviewedAt === null ? null : formatTime(key.reviewedAt),
    revoked_reason: key.revokedReason,
    management: key.management && { projects: key.management.projects ? [...key.management.projects] : null },
    secrets: secrets.map((secret) => toWireSecret(secret, view)),
    warnings: [...warnings],
  }
}

/** Of all its secrets together. */
function lastRefused(secrets: readonly SecretWithUse[]): wire.Key['last_refused'] {
  const refused = secrets.flatMap(({ id, lastRefused: last }) => (last ? [{ id, ...last }] : []))
  const [newest] = refused.toSorted((a, b) => b.at - a.at)
  return newest ? { code: newest.code, secret_id: newest.id, at: formatTime(newest.at) } : null
}

/** @param value at creation alone; a publishable one is shown always */
function toWireSecret(
  secret: SecretWithUse,
  { secrets, policy, now }: KeyView,
  value: string | null = null,
): wire.Secret {
  const slots = normalise(secrets, now)
  return {
    id: secret.id,
    slot: slotAt(secret, secrets, now),
    status: secretStatusAt(secret, now),
    staged: slots.state === 'staged' && slots.secondary.id === secret.id,
    hint: secret.hint,
    created_at: formatTime(secret.createdAt),
    expires_at: formatInstant(secret.expiresAt),
    retires_at: secret.retiresAt === null ? null : formatTime(secret.retiresAt),
    rotation_due_at: orNull(secretRotationDueAt(secret, policy, now)),
    last_used_at: secret.lastUsedAt === null ? null : formatTime(secret.lastUsedAt),
    value: value ?? secret.value,
  }
}

export function toWireCutOver({ view, cutOver }: { view: KeyView; cutOver: CutOver }): wire.CutOver {
  return {
    key_id: view.key.id,
    state: cutOver.state,
    advice: cutOver.advice,
    secrets: cutOver.secrets.map(({ secret, calls, advice }) => {
      const { value: _, ...shown } = toWireSecret(secret, view)
      return {
        ...shown,
        calls: toWireCalls(calls.passed),
        refused_calls: toWireCalls(calls.refused),
        last_refused: secret.lastRefused && { code: secret.lastRefused.code, at: formatTime(secret.lastRefused.at) },
        addresses: calls.seen.map(({ address, at, userAgent }) => ({
          address,
          at: formatTime(at),
          user_agent: userAgent,
        })),
        longest_pause: calls.longestPause === null ? null : Math.floor(calls.longestPause / 1000),
        advice,
      }
    }),
    as_of: formatTime(view.now),
  }
}

const toWireCalls = ({ lastHour, lastDay, last30Days }: CallsBySpan) => ({
  last_hour: lastHour,
  last_day: lastDay,
  last_30_days: last30Days,
})

/** @param showValue false for an answer that is told again after its secret may be shown no more */
export function toWireIssued(
  { view, secretId, value }: IssuedKey,
  showValue: boolean,
): { key: wire.Key; secret: wire.Secret; reminders: wire.ComingReminder[] } {
  const secret = view.secrets.find((candidate) => candidate.id === secretId)
  if (!secret) throw new Error('a key was issued, but its secret is not there')
  return {
    key: toWireKey(view),
    secret: toWireSecret(secret, view, showValue ? value.reveal() : null),
    reminders: toWireComing(view),
  }
}

/** Of an operation that gives the key a new secret. */
export function toWireRotated({ view, issued }: ChangedKey, showValue: boolean) {
  if (!issued) throw new Error('a secret was to be issued, but was not')
  return toWireIssued({ view, ...issued }, showValue)
}

export function toWireClaimLink(link: ClaimLink, now: Instant): wire.ClaimLink {
  return {
    id: link.id,
    key_id: link.keyId,
    status: claimLinkStatusAt(link, now),
    created_at: formatTime(link.createdAt),
    created_by: link.createdBy,
    expires_at: formatTime(link.expiresAt),
    claimed_at: orNull(link.claimedAt),
    withdrawn_at: orNull(link.withdrawnAt),
    secret_id: link.secretId,
  }
}
