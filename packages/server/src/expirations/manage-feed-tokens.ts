import type { FeedTokenCreate } from '@keyturn/contract'
import { recordChange } from '../audit/record-change.ts'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf, newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { mintValue } from '../keys/format.ts'
import { findProjectIds } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call, Caller, Ground } from '../people/call.ts'
import { reachesManagementKeys, requireScope } from '../people/permissions.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { type FeedToken, isTokenInReach } from './feed-token.ts'
import * as store from './feed-token-store.ts'
import type { ExpirationReach } from './list-expirations.ts'

/** What feed tokens begin with, so that one in a log or a repository is recognised as what it is. */
export const feedTokenPrefix = (keyPrefix: string) => `${keyPrefix}_feed_`

/** A token with its value, which this answer alone shows. */
export interface CreatedFeedToken {
  readonly token: FeedToken
  readonly value: SecretValue
}

/**
 * Makes a token by which a calendar reads what ends when, of what the caller reaches itself or of some of it.
 *
 * @throws DomainError insufficient_scope, project_not_found
 */
export async function createFeedToken(
  call: Call,
  organization: Organization,
  wanted: FeedTokenCreate,
): Promise<CreatedFeedToken> {
  requireScope(call.caller, 'keys:write')
  const reached = call.caller.projects
  const projects = wanted.projects
    ? await findProjectIds(call, organization.id, wanted.projects)
    : reached && [...reached]
  return call.change(async (tx) => {
    const now = await call.now(tx)
    const value = mintValue(feedTokenPrefix(call.keyPrefix))
    const token: FeedToken = {
      id: newId('feedToken', now),
      organizationId: organization.id,
      name: wanted.name,
      projects,
      managementKeys: projects === null && reachesManagementKeys(call.caller),
      createdAt: now,
      createdBy: call.caller.actor,
      lastUsedAt: null,
      revokedAt: null,
    }
    await store.insertFeedToken(tx, organization.id, token, sha256(value.reveal()))
    await record(tx, call, now, token, 'feed_token.created')
    return { token, value }
  })
}

/**
 * No calendar reads with it any more. Revoking a revoked one is a success without an event.
 *
 * @throws DomainError insufficient_scope, feed_token_not_found
 */
export async function revokeFeedToken(call: Call, organization: Organization, id: string): Promise<void> {
  requireScope(call.caller, 'keys:write')
  const token = await store.findFeedToken(call.reader, organization.id, id)
  if (!token || !isTokenInReach(token, call.caller.projects)) throw new DomainError('feed_token_not_found')
  await call.change(async (tx) => {
    const now = await call.now(tx)
    if (await store.revokeFeedToken(tx, organization.id, id, now))
      await record(tx, call, now, token, 'feed_token.revoked')
  })
}

/** Takes away those that somebody made who leaves. @returns how many */
export async function revokeFeedTokensBy(
  tx: Tx,
  call: Call,
  organizationId: string,
  personId: string,
  now: Instant,
): Promise<number> {
  let revoked = 0
  for (const token of await store.listOpenTokensBy(tx, organizationId, personId)) {
    if (!(await store.revokeFeedToken(tx, organizationId, token.id, now))) continue
    revoked++
    await record(tx, call, now, token, 'feed_token.revoked')
  }
  return revoked
}

export async function countFeedTokensBy(reader: Reader, organizationId: string, personId: string): Promise<number> {
  return (await store.listOpenTokensBy(reader, organizationId, personId)).length
}

/** Newest first, revoked ones too. @throws DomainError insufficient_scope, invalid_cursor */
export async function listFeedTokens(
  call: Call,
  organization: Organization,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ data: FeedToken[]; nextCursor: string | null }> {
  requireScope(call.caller, 'keys:read')
  if (cursor !== undefined && !isIdOf('feedToken', cursor)) throw new DomainError('invalid_cursor')
  const reached = call.caller.projects && [...call.caller.projects]
  const page = { before: cursor ?? null, limit: limit + 1 }
  const found = await store.listFeedTokens(call.reader, organization.id, reached, page)
  const data = found.slice(0, limit)
  return { data, nextCursor: found.length > limit ? (data.at(-1)?.id ?? null) : null }
}

// What people see of it is to the hour.
const noteEveryMs = 3_600_000

/** What a feed token opens. */
export interface OpenedFeed {
  readonly reader: Call
  readonly reach: ExpirationReach
}

/**
 * Whoever presents a feed token, as a caller that reads expirations of what the token reaches.
 *
 * @throws DomainError invalid_feed_token
 */
export async function openFeed(ground: Ground, presented: string): Promise<OpenedFeed> {
  const token = await store.findFeedTokenByDigest(ground.reader, sha256(presented))
  if (!token) throw new DomainError('invalid_feed_token')
  const now = await ground.now(ground.reader)
  await store.noteTokenUse(ground.reader, token.organizationId, token.id, now, now - noteEveryMs)
  const { organizationId, managementKeys } = token
  const projects = token.projects && new Set(token.projects)
  const caller: Caller = {
    actor: { type: 'system', id: token.id, name: token.name },
    organizationId,
    projects,
    scopes: new Set(['keys:read']),
  }
  const reader: Call = { ...ground, caller, requestId: null, address: null }
  return { reader, reach: { organizationId, projects, managementKeys } }
}

async function record(
  tx: Tx,
  call: Call,
  now: Instant,
  token: FeedToken,
  action: 'feed_token.created' | 'feed_token.revoked',
): Promise<void> {
  const isNew = action === 'feed_token.created'
  await recordChange(tx, call, now, {
    action,
    organizationId: token.organizationId,
    projectId: null,
    target: { type: 'feed_token', id: token.id, name: token.name },
    before: isNew ? null : { revoked: false },
    after: isNew
      ? { name: token.name, projects: token.projects, management_keys: token.managementKeys }
      : { revoked: true },
    affects: null,
  })
}
