import type * as wire from '@keyturn/contract'
import { type Expiration, expirationStatusAt, isInUse, kindOf } from '../expirations/expiration.ts'
import type { FeedToken } from '../expirations/feed-token.ts'
import { formatInstant, formatTime, type Instant } from '../kernel/instant.ts'
import { slotAt } from '../keys/slots.ts'

export const toWireFeedToken = (token: FeedToken): wire.FeedToken => ({
  id: token.id,
  organization_id: token.organizationId,
  name: token.name,
  projects: token.projects === null ? null : [...token.projects],
  created_at: formatTime(token.createdAt),
  created_by: token.createdBy,
  last_used_at: token.lastUsedAt === null ? null : formatTime(token.lastUsedAt),
  revoked_at: token.revokedAt === null ? null : formatTime(token.revokedAt),
})

export function toWireExpiration(expiration: Expiration, now: Instant): wire.Expiration {
  const { id, type, at } = expiration
  return {
    id,
    type,
    status: expirationStatusAt(expiration, now),
    at: formatInstant(at),
    kind: kindOf(expiration),
    in_use: isInUse(expiration, now),
    ...subjectOf(expiration, now),
  }
}

function subjectOf({ of }: Expiration, now: Instant) {
  if (of.credential !== null) {
    const { credential } = of
    return {
      name: credential.name,
      owner: credential.owner,
      contact: credential.contact,
      organization_id: credential.organizationId,
      project_id: credential.projectId,
      key_id: null,
      secret_id: null,
      slot: null,
      hint: null,
      environment: null,
      tracked_credential_id: credential.id,
      issuer: credential.issuer,
      management: false,
      legacy: false,
      disabled: false,
      last_used_at: null,
    }
  }
  const { secret, view } = of
  const { key } = view
  return {
    name: key.name,
    owner: key.owner,
    contact: key.contact,
    organization_id: key.organizationId,
    project_id: key.projectId,
    key_id: key.id,
    secret_id: secret.id,
    slot: slotAt(secret, view.secrets, now),
    hint: secret.hint,
    environment: key.environment,
    tracked_credential_id: null,
    issuer: null,
    management: key.management !== null,
    legacy: key.legacy,
    disabled: key.state === 'disabled',
    last_used_at: secret.lastUsedAt === null ? null : formatTime(secret.lastUsedAt),
  }
}
