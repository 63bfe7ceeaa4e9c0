import type { Environment, JsonObject, KeyKind, Quota, RateLimit } from '@keyturn/contract'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { inOrder } from '../limits/limit.ts'
import { lockProjectForKeys, type ProjectWithPolicy } from '../organizations/find.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { normaliseNetworks } from '../verification/networks.ts'
import { recordKeyChange } from './change-key.ts'
import type { Key } from './key.ts'
import { countActiveKeys, findNamesake, insertKey, insertSecret } from './key-store.ts'
import { asKeptBy, endOfNewSecret, type WantedEnd } from './lifetime.ts'
import { mintSecret } from './mint-secret.ts'
import { duplicateName } from './name-advice.ts'
import { refuseName } from './name-policy.ts'
import { noteShown } from './note-shown.ts'
import { searchLexemes } from './search-words.ts'
import { type KeyView, viewKey } from './view-keys.ts'

export interface WantedKey extends WantedEnd {
  readonly name: string
  readonly kind: KeyKind
  readonly environment: Environment
  readonly purpose?: string | null | undefined
  readonly owner?: string | null | undefined
  readonly contact?: string | null | undefined
  readonly scopes?: readonly string[] | undefined
  readonly allowed_ips?: readonly string[] | undefined
  readonly metadata?: JsonObject | undefined
  readonly rate_limit?: RateLimit | null | undefined
  readonly quota?: Quota | null | undefined
}

/** A new key with its value, which this answer alone shows. */
export interface IssuedKey {
  readonly view: KeyView
  readonly secretId: string
  readonly value: SecretValue
}

/**
 * Makes a key with its first secret. Whoever creates one waits for whoever is creating another in the same project, and counts
 * afterwards, so that a limit of 50 is never 51.
 *
 * @param management for a management key: the projects that it reaches, null for all
 * @throws DomainError project_not_found, active_key_limit_reached, jwt_must_expire, jwt_too_long,
 *   expires_in_the_past, max_lifetime_exceeded, never_expires_not_allowed, name_does_not_match_policy, name_is_vague
 */
export function issueKey(
  call: Call,
  project: { readonly id: string; readonly organizationId: string },
  wanted: WantedKey,
  management: Key['management'] = null,
): Promise<IssuedKey> {
  if (wanted.kind === 'jwt' && wanted.never_expires) throw new DomainError('jwt_must_expire')
  return call.change(async (tx) => {
    const place = await lockProjectForKeys(tx, project.organizationId, project.id)
    const now = await call.now(tx)
    refuseName(wanted.name, place.policy)
    const expiresAt = asKeptBy(wanted.kind, endOfNewSecret(wanted, place.policy, now), now)
    const limit = place.policy.max_active_keys
    const active = await countActiveKeys(tx, project.organizationId, project.id, now, limit)
    if (active >= limit)
      throw new DomainError('active_key_limit_reached', { limit, active, until: null, operations: ['revoke'] })
    return insertIssuedKey(tx, call, place, now, { ...wanted, expiresAt, management, legacy: false })
  })
}

/** The publishable key that a project is born with. It never expires, whatever the policy. */
export function issueLegacyKey(
  tx: Tx,
  call: Call,
  place: ProjectWithPolicy,
  now: Instant,
  expiresAt: Instant,
): Promise<IssuedKey> {
  return insertIssuedKey(tx, call, place, now, {
    name: 'Legacy key',
    kind: 'publishable',
    environment: 'live',
    purpose:
      'Identifies this project in browsers and apps. Made with the project; it can be rotated, but not disabled.',
    expiresAt,
    management: null,
    legacy: true,
  })
}

async function insertIssuedKey(
  tx: Tx,
  call: Call,
  { organization, project }: ProjectWithPolicy,
  now: Instant,
  wanted: WantedKey & { readonly expiresAt: Instant; readonly management: Key['management']; readonly legacy: boolean },
): Promise<IssuedKey> {
  const key: Key = {
    id: newId('key', now),
    organizationId: organization.id,
    projectId: project.id,
    management: wanted.management,
    kind: wanted.kind,
    environment: wanted.environment,
    name: wanted.name,
    purpose: wanted.purpose || null,
    owner: wanted.owner === undefined ? (call.caller.person?.email ?? organization.notificationEmail) : wanted.owner,
    contact: wanted.contact ?? null,
    scopes: wanted.scopes ?? [],
    allowedIps: normaliseNetworks(wanted.allowed_ips ?? []),
    metadata: wanted.metadata ?? {},
    rateLimit: inOrder(wanted.rate_limit ?? null),
    quota: wanted.quota ?? null,
    state: 'active',
    legacy: wanted.legacy,
    firstEndAt: wanted.expiresAt,
    lastEndAt: wanted.expiresAt,
    createdAt: now,
    createdBy: call.caller.actor,
    lastAction: { action: 'key.created', actor: call.caller.actor, at: now },
    reviewedAt: null,
    revokedReason: null,
  }
  const { secret, value } = await mintSecret(tx, call, key, { slot: 'primary', expiresAt: wanted.expiresAt }, now)
  const namesake = await findNamesake(tx, organization.id, key, now)
  await insertKey(tx, organization.id, key, searchLexemes(organization.id, { ...key, hints: [secret.hint] }))
  await insertSecret(tx, organization.id, secret, sha256(value.reveal()))
  await recordKeyChange(tx, call, now, key, {
    action: 'key.created',
    before: {},
    after: {
      name: key.name,
      kind: key.kind,
      environment: key.environment,
      purpose: key.purpose,
      owner: key.owner,
      contact: key.contact,
      scopes: key.scopes,
      allowed_ips: key.allowedIps,
      metadata: key.metadata,
      rate_limit: key.rateLimit,
      quota: key.quota,
      legacy: key.legacy,
      expires_at: formatInstant(secret.expiresAt),
      secret: secret.id,
      hint: secret.hint,
      ...(key.management ? { projects: key.management.projects } : {}),
    },
    affectsVerdicts: true,
  })
  await noteShown(tx, call, key, secret, now)
  const view = await viewKey(tx, key, now, namesake ? [duplicateName(namesake)] : [])
  return { view, secretId: secret.id, value }
}
