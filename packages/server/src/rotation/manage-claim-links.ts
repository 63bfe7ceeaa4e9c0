import type { ClaimLinkCreate } from '@keyturn/contract'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf, newId } from '../kernel/ids.ts'
import { formatTime, type Instant, seconds } from '../kernel/instant.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { changeBesideKey, recordKeyChange } from '../keys/change-key.ts'
import { findKeyInReach, findKeyOfRecord } from '../keys/find-key.ts'
import { mintValue } from '../keys/format.ts'
import { normalise } from '../keys/slots.ts'
import { viewKey } from '../keys/view-keys.ts'
import type { Call } from '../people/call.ts'
import type { Reader, Tx } from '../storage/database.ts'
import type { ClaimLink } from './claim-link.ts'
import * as store from './claim-link-store.ts'
import { refuseClaim } from './claim-rules.ts'

/** A link with its token, which this answer alone shows. */
export interface CreatedClaimLink {
  readonly link: ClaimLink
  readonly token: SecretValue
  readonly now: Instant
}

const defaultLifeSeconds = 7 * 86_400

/** What tokens of claim links begin with, so that one in a log or a repository is recognised as what it is. */
export const claimTokenPrefix = (keyPrefix: string) => `${keyPrefix}_claim_`

/**
 * Makes a link by which somebody without an account can be given a new secret of a key. Nothing about the key changes until it
 * is claimed.
 *
 * @throws DomainError insufficient_scope, key_not_found, and as `refuseClaim`
 */
export function createClaimLink(call: Call, keyId: string, wanted: ClaimLinkCreate): Promise<CreatedClaimLink> {
  return changeBesideKey(call, keyId, async (tx, key, now) => {
    refuseClaim(key, normalise((await viewKey(tx, key, now)).secrets, now))
    const token = mintValue(claimTokenPrefix(call.keyPrefix))
    const link: ClaimLink = {
      id: newId('claimLink', now),
      keyId,
      organizationId: key.organizationId,
      createdAt: now,
      createdBy: call.caller.actor,
      expiresAt: now + seconds(wanted.expires_in ?? defaultLifeSeconds),
      claimedAt: null,
      secretId: null,
      withdrawnAt: null,
    }
    await store.insertClaimLink(tx, key.organizationId, link, sha256(token.reveal()))
    const claimLink = { id: link.id, expires_at: formatTime(link.expiresAt) }
    return {
      result: { link, token, now },
      event: { action: 'key.claim_link_created', before: {}, after: { claim_link: claimLink } },
    }
  })
}

/**
 * Whoever has the link can use it no more. Withdrawing one that was withdrawn, or whose time is over, is a success without an
 * event: the caller already has what it wants.
 *
 * @throws DomainError insufficient_scope, key_not_found, claim_link_not_found, claim_link_ended where it was claimed already
 */
export async function withdrawClaimLink(call: Call, keyId: string, id: string): Promise<void> {
  await changeBesideKey(call, keyId, async (tx, key, now) => {
    const link = await store.findClaimLink(tx, key.organizationId, keyId, id)
    if (!link) throw new DomainError('claim_link_not_found')
    if (link.claimedAt !== null) throw claimLinkEnded(link)
    const withdrawn = link.expiresAt > now && (await store.withdraw(tx, key.organizationId, id, now))
    const event = { action: 'key.claim_link_withdrawn', before: {}, after: { claim_link: { id } } } as const
    return { result: undefined, event: withdrawn ? event : null }
  })
}

/** Whoever leaves takes no open link along by which they could have a secret made. */
export async function withdrawClaimLinksBy(
  tx: Tx,
  call: Call,
  organizationId: string,
  personId: string,
  now: Instant,
): Promise<number> {
  let withdrawn = 0
  for (const link of await store.listOpenBy(tx, organizationId, personId, now)) {
    if (!(await store.withdraw(tx, organizationId, link.id, now))) continue
    withdrawn++
    const key = await findKeyOfRecord(tx, organizationId, link.keyId)
    if (!key) continue
    await recordKeyChange(tx, call, now, key, {
      action: 'key.claim_link_withdrawn',
      before: {},
      after: { claim_link: { id: link.id } },
      affectsVerdicts: false,
    })
  }
  return withdrawn
}

export async function countClaimLinksBy(
  reader: Reader,
  organizationId: string,
  personId: string,
  now: Instant,
): Promise<number> {
  return (await store.listOpenBy(reader, organizationId, personId, now)).length
}

/** Newest first. @throws DomainError insufficient_scope, key_not_found, invalid_cursor */
export async function listClaimLinks(
  call: Call,
  keyId: string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ data: ClaimLink[]; nextCursor: string | null; now: Instant }> {
  const key = await findKeyInReach(call, keyId, 'keys:read')
  if (cursor !== undefined && !isIdOf('claimLink', cursor)) throw new DomainError('invalid_cursor')
  const page = { before: cursor ?? null, limit: limit + 1 }
  const links = await store.listClaimLinks(call.reader, key.organizationId, keyId, page)
  const data = links.slice(0, limit)
  return {
    data,
    nextCursor: links.length > limit ? (data.at(-1)?.id ?? null) : null,
    now: await call.now(call.reader),
  }
}

/** It was claimed, or withdrawn, or its time is over. */
export const claimLinkEnded = (link: ClaimLink) =>
  new DomainError('claim_link_ended', {
    claimed_at: link.claimedAt === null ? null : formatTime(link.claimedAt),
    withdrawn_at: link.withdrawnAt === null ? null : formatTime(link.withdrawnAt),
    expires_at: formatTime(link.expiresAt),
    secret: link.secretId,
  })
