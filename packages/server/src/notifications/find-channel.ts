import type { ManagementScope } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Reader } from '../storage/database.ts'
import type { Channel } from './channel.ts'
import * as store from './channel-store.ts'

/**
 * A channel within the caller's reach. One of another organization is not there: the error is the same (design, promise 7).
 *
 * @throws DomainError insufficient_scope, whole_organization_required, channel_not_found
 */
export async function findChannelInReach(call: Call, id: string, scope: ManagementScope): Promise<Channel> {
  requireScope(call.caller, scope)
  const channel = await store.findChannel(call.reader, call.caller.organizationId, id)
  if (!channel) throw new DomainError('channel_not_found')
  requireWholeOrganization(call.caller)
  return channel
}

/** @throws DomainError insufficient_scope, whole_organization_required, channel_not_found */
export const readChannel = (call: Call, id: string): Promise<Channel> => findChannelInReach(call, id, 'audit:read')

/** Newest first. @throws DomainError insufficient_scope, whole_organization_required, invalid_cursor */
export async function listChannels(
  call: Call,
  organization: Organization,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ data: Channel[]; nextCursor: string | null }> {
  requireScope(call.caller, 'audit:read')
  requireWholeOrganization(call.caller)
  if (cursor !== undefined && !isIdOf('channel', cursor)) throw new DomainError('invalid_cursor')
  const found = await store.listChannels(call.reader, organization.id, { before: cursor ?? null, limit: limit + 1 })
  const data = found.slice(0, limit)
  return { data, nextCursor: found.length > limit ? (data.at(-1)?.id ?? null) : null }
}

/** Where a channel is, for asking whether somebody reaches it and may do something to it. */
export async function locateChannel(reader: Reader, organizationIds: readonly string[], id: string) {
  const channel = await store.findChannel(reader, null, id)
  if (!channel || !organizationIds.includes(channel.organizationId)) return undefined
  return { organizationId: channel.organizationId, projectId: null }
}

/** The team mailboxes of an organization, which are told everything: those of enabled e-mail channels. */
export const listEmailChannels = (
  reader: Reader,
  organizationId: string,
): Promise<{ readonly id: string; readonly address: string }[]> => store.listEnabledMailboxes(reader, organizationId)
