import type { AuditAction, ChannelCreate, ChannelEdit, SecretRotate } from '@keyturn/contract'
import { differences, type Origin, recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { formatInstant, type Instant, seconds } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { lockOrganizationForMembers } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Tx } from '../storage/database.ts'
import { refuseUrl } from './allowed-address.ts'
import { type Channel, nameOf } from './channel.ts'
import * as store from './channel-store.ts'
import { buryPending } from './delivery-store.ts'
import { findChannelInReach } from './find-channel.ts'
import { makeSigningSecret, sealSecret } from './signing-secret.ts'

/** What of the installation channels depend on. */
export interface ChannelGround {
  readonly masterKey: MasterKey
  /** Addresses and networks that webhooks may call though they are not public. */
  readonly allowPrivate: readonly string[]
}

/** More would be a fan-out that one event has to pay for. */
export const mostChannels = 50

/** A channel with its signing secret, which this answer alone shows. */
export interface ShownChannel {
  readonly channel: Channel
  /** Null: an e-mail channel has none. */
  readonly secret: SecretValue | null
}

/** @throws DomainError insufficient_scope, whole_organization_required, webhook_url_not_allowed, channel_limit_reached */
export async function createChannel(
  call: Call,
  ground: ChannelGround,
  organization: Organization,
  wanted: ChannelCreate,
): Promise<ShownChannel> {
  requireScope(call.caller, 'policy:write')
  requireWholeOrganization(call.caller)
  requireAllowedUrl(ground, wanted.url)
  return call.change(async (tx) => {
    // Of 51 at once one waits for the other, and counts after it.
    await lockOrganizationForMembers(tx, organization.id)
    const now = await call.now(tx)
    if ((await store.countChannels(tx, organization.id)) >= mostChannels)
      throw new DomainError('channel_limit_reached', { limit: mostChannels })
    const channel: Channel = {
      id: newId('channel', now),
      organizationId: organization.id,
      kind: wanted.kind,
      url: wanted.url ?? null,
      address: wanted.address ?? null,
      events: wanted.events ?? null,
      enabled: wanted.enabled ?? true,
      disabledReason: null,
      oldSecretUntil: null,
      createdAt: now,
      createdBy: call.caller.actor,
    }
    const secret = channel.kind === 'webhook' ? makeSigningSecret() : null
    const sealed = secret && sealSecret(ground.masterKey, channel.id, secret)
    await store.insertChannel(tx, organization.id, channel, sealed)
    await recordChannel(tx, call, now, channel, 'channel.created', { before: null, after: describe(channel) })
    return { channel, secret }
  })
}

/**
 * What is disabled gets nothing; what waited for it is given up, and can be sent again once it is enabled.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, channel_not_found, invalid_request, webhook_url_not_allowed
 */
export async function editChannel(call: Call, ground: ChannelGround, id: string, edit: ChannelEdit): Promise<Channel> {
  const { organizationId, kind } = await findChannelInReach(call, id, 'policy:write')
  requireFitting(kind, edit)
  requireAllowedUrl(ground, edit.url)
  return call.change(async (tx) => {
    const channel = await lock(tx, organizationId, id)
    const now = await call.now(tx)
    const enabled = edit.enabled ?? channel.enabled
    const changed: Channel = {
      ...channel,
      url: edit.url ?? channel.url,
      address: edit.address ?? channel.address,
      events: edit.events === undefined ? channel.events : edit.events,
      enabled,
      disabledReason: enabled ? null : channel.disabledReason,
    }
    const found = differences(describe(channel), describe(changed))
    // Two paths of one origin look the same on record.
    if (!found && changed.url === channel.url) return channel
    await store.updateChannel(tx, organizationId, changed)
    if (!enabled) await buryPending(tx, organizationId, id, now, 'the channel was disabled')
    const details = found ?? { before: null, after: { url_changed: true } }
    await recordChannel(tx, call, now, changed, 'channel.updated', details)
    return changed
  })
}

/** With what was sent to it, and what waits. @throws DomainError insufficient_scope, whole_organization_required, channel_not_found */
export async function deleteChannel(call: Call, id: string): Promise<void> {
  const { organizationId } = await findChannelInReach(call, id, 'policy:write')
  await call.change(async (tx) => {
    const channel = await lock(tx, organizationId, id)
    const now = await call.now(tx)
    await store.deleteChannel(tx, organizationId, id)
    await recordChannel(tx, call, now, channel, 'channel.deleted', { before: describe(channel), after: null })
  })
}

/**
 * Another signing secret; the one there was signs beside it for the overlap, so that no delivery is refused while its receiver moves.
 * Of three only the newest two sign.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, channel_not_found, channel_is_no_webhook
 */
export async function rotateSigningSecret(
  call: Call,
  ground: ChannelGround,
  id: string,
  { overlap }: SecretRotate,
): Promise<ShownChannel> {
  const { organizationId, kind } = await findChannelInReach(call, id, 'policy:write')
  if (kind !== 'webhook') throw new DomainError('channel_is_no_webhook')
  return call.change(async (tx) => {
    const channel = await lock(tx, organizationId, id)
    const now = await call.now(tx)
    const secret = makeSigningSecret()
    const until = overlap === 0 ? null : now + seconds(overlap)
    await store.replaceSecret(tx, organizationId, id, sealSecret(ground.masterKey, id, secret), until)
    const after = { old_secret_signs_until: until === null ? null : formatInstant(until) }
    await recordChannel(tx, call, now, channel, 'channel.secret_rotated', { before: null, after })
    return { channel: { ...channel, oldSecretUntil: until }, secret }
  })
}

/** @throws DomainError channel_not_found where it was deleted meanwhile */
async function lock(tx: Tx, organizationId: string, id: string): Promise<Channel> {
  const channel = await store.lockChannel(tx, organizationId, id)
  if (!channel) throw new DomainError('channel_not_found')
  return channel
}

export async function recordChannel(
  tx: Tx,
  origin: Origin,
  now: Instant,
  channel: Pick<Channel, 'id' | 'organizationId' | 'url' | 'address'>,
  action: AuditAction,
  details: { readonly before: Record<string, unknown> | null; readonly after: Record<string, unknown> | null },
): Promise<void> {
  await recordChange(tx, origin, now, {
    action,
    organizationId: channel.organizationId,
    projectId: null,
    target: { type: 'channel', id: channel.id, name: nameOf(channel) },
    ...details,
    affects: null,
  })
}

const describe = (channel: Channel): Record<string, unknown> => ({
  kind: channel.kind,
  destination: nameOf(channel),
  events: channel.events,
  enabled: channel.enabled,
})

/** @throws DomainError webhook_url_not_allowed */
function requireAllowedUrl({ allowPrivate }: ChannelGround, url: string | undefined): void {
  const reason = url === undefined ? null : refuseUrl(new URL(url), allowPrivate)
  if (reason !== null) throw new DomainError('webhook_url_not_allowed', { reason })
}

/** @throws DomainError invalid_request where a field is of the other kind */
function requireFitting(kind: Channel['kind'], edit: ChannelEdit): void {
  const misplaced = kind === 'webhook' ? (['address'] as const) : (['url', 'events'] as const)
  const errors = misplaced
    .filter((field) => edit[field] !== undefined)
    .map((path) => ({ path, detail: `is not for a channel of kind ${kind}` }))
  if (errors.length > 0) throw new DomainError('invalid_request', { errors })
}
