import { recordChange } from '../audit/record-change.ts'
import { countFeedTokensBy, revokeFeedTokensBy } from '../expirations/manage-feed-tokens.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import { type ChangedKey, changeLockedSecrets } from '../keys/change-secrets.ts'
import { requireToChange } from '../keys/find-key.ts'
import { handOverKey, type LeftKeyRecord, type LockedKey, listLeftKeys, lockLeftKeys } from '../keys/left-keys.ts'
import { countClaimLinksBy, withdrawClaimLinksBy } from '../rotation/manage-claim-links.ts'
import { planRotation } from '../rotation/rules.ts'
import type { Reader, Tx } from '../storage/database.ts'
import type { Call } from './call.ts'
import { requireToGive } from './give-role.ts'
import { countInvitationsBy, withdrawInvitationsBy } from './invite.ts'
import { deleteMember, findMember, type MemberRecord } from './member-store.ts'
import { lockMember, type MemberView, readMember, requireAnotherOwner } from './members.ts'
import { nameActor } from './person-store.ts'
import { endSessionsIn } from './session-store.ts'

// In one transaction, which holds their projects for a few seconds at most.
const mostKeys = 500

/** Links that they made and that are still open: whoever has one can become a member, have a secret made, or read the calendar. */
export interface OpenLinks {
  readonly invitations: number
  readonly claimLinks: number
  readonly feedTokens: number
}

export interface Leaving {
  readonly member: MemberView
  readonly keys: readonly LeftKeyRecord[]
  readonly links: OpenLinks
  readonly now: Instant
}

/** What a member would leave. @throws DomainError member_not_found, leaves_too_much */
export async function readLeaving(call: Call, organizationId: string, personId: string): Promise<Leaving> {
  const member = await readMember(call.reader, organizationId, personId)
  const now = await call.now(call.reader)
  const links = {
    invitations: await countInvitationsBy(call.reader, organizationId, personId, now),
    claimLinks: await countClaimLinksBy(call.reader, organizationId, personId, now),
    feedTokens: await countFeedTokensBy(call.reader, organizationId, personId),
  }
  return { member, keys: await leftBy(call.reader, organizationId, member, now), links, now }
}

export interface WantedRemoval {
  /** Id of the member who owns their keys from now on. */
  readonly hand_over_to?: string | null | undefined
  readonly rotate_seen: boolean
  readonly overlap?: number | undefined
  readonly force: boolean
}

export interface RemovedMembersKey {
  readonly left: LeftKeyRecord
  readonly handedOver: boolean
  readonly rotation: 'rotated' | 'not_wanted' | 'not_seen' | 'not_possible'
  /** Why it was not possible: an error code. */
  readonly reason: string | null
  /** With the new value, which this answer alone shows. */
  readonly rotated: ChangedKey | null
}

export interface Removal {
  readonly member: MemberView
  readonly successor: MemberRecord | null
  readonly keys: readonly RemovedMembersKey[]
  /** Withdrawn. */
  readonly links: OpenLinks
  readonly now: Instant
}

/**
 * Ends a membership, and sees to what it leaves, in one transaction: keys go to the successor, those of which the member saw a
 * value get a new one while the old goes on for the overlap, links and feed tokens that they made are withdrawn, sessions here end. A
 * key that cannot be rotated just now, as in the midst of a rotation, is named in the report and hinders nothing else.
 *
 * @throws DomainError member_not_found, last_owner, member_owns_keys, leaves_too_much, role_required, overlap_too_long
 */
export async function removeMember(
  call: Call,
  organizationId: string,
  personId: string,
  wanted: WantedRemoval,
): Promise<Removal> {
  return call.change(async (tx) => {
    const member = await lockMember(tx, organizationId, personId)
    const view = await readMember(tx, organizationId, personId)
    await requireToGive({ ...call, reader: tx }, organizationId, member.role)
    if (member.role === 'owner') await requireAnotherOwner(tx, organizationId)
    const successor = await findSuccessor(tx, organizationId, personId, wanted.hand_over_to ?? null)
    const left = await leftBy(tx, organizationId, member, await call.now(tx))
    const owned = left.filter((one) => one.owned).length
    if (owned > 0 && !successor && !wanted.force) throw new DomainError('member_owns_keys', { owned })
    const locked = await lockLeftKeys(tx, organizationId, left)
    const now = await call.now(tx)
    const keys: RemovedMembersKey[] = []
    for (const one of locked) keys.push(await seeTo(tx, call, one, successor, wanted, now))
    const links = await endMembership(tx, call, member, now)
    await recordRemoval(tx, call, member, successor, keys, now)
    return { member: view, successor, keys, links, now }
  })
}

/**
 * A member leaves by themselves. Keys that they own they hand over first: nobody is asked for a successor here, and nobody is left to
 * look after them. What they were shown stays as it is; the event names it, for whoever wants to rotate it.
 *
 * @throws DomainError member_not_found, last_owner, leaves_keys_behind, leaves_too_much
 */
export async function leave(call: Call, organizationId: string, personId: string): Promise<void> {
  await call.change(async (tx) => {
    const member = await lockMember(tx, organizationId, personId)
    if (member.role === 'owner') await requireAnotherOwner(tx, organizationId)
    const now = await call.now(tx)
    const keys = await leftBy(tx, organizationId, member, now)
    const owned = keys.filter((one) => one.owned).length
    if (owned > 0) throw new DomainError('leaves_keys_behind', { owned })
    await endMembership(tx, call, member, now)
    await recordRemoval(tx, call, member, null, keys.map(asItIs), now)
  })
}

const asItIs = (left: LeftKeyRecord): OutcomeOfKey => ({ left, rotation: 'not_wanted' })

/** @returns the links of theirs that were withdrawn */
async function endMembership(tx: Tx, call: Call, member: MemberRecord, now: Instant) {
  const { organizationId, personId } = member
  const links = {
    invitations: await withdrawInvitationsBy(tx, call, organizationId, personId, now),
    claimLinks: await withdrawClaimLinksBy(tx, call, organizationId, personId, now),
    feedTokens: await revokeFeedTokensBy(tx, call, organizationId, personId, now),
  }
  await deleteMember(tx, organizationId, member, now)
  await nameActor(tx, call.caller.actor, call.requestId)
  await endSessionsIn(tx, personId, organizationId)
  return links
}

async function leftBy(reader: Reader, organizationId: string, member: MemberRecord, now: Instant) {
  const person = { id: member.personId, email: member.email }
  const left = await listLeftKeys(reader, organizationId, person, now, mostKeys + 1)
  if (left.length > mostKeys) throw new DomainError('leaves_too_much', { keys: `${mostKeys}+`, limit: mostKeys })
  return left
}

async function findSuccessor(tx: Tx, organizationId: string, personId: string, id: string | null) {
  if (id === null) return null
  if (id === personId) throw invalidSuccessor
  const successor = await findMember(tx, organizationId, id)
  if (!successor) throw new DomainError('member_not_found')
  return successor
}

const invalidSuccessor = new DomainError('invalid_request', {
  errors: [{ path: 'hand_over_to', detail: 'must be another member than the one who leaves' }],
})

async function seeTo(
  tx: Tx,
  call: Call,
  left: LockedKey,
  successor: MemberRecord | null,
  wanted: WantedRemoval,
  now: Instant,
): Promise<RemovedMembersKey> {
  const handedOver = left.owned && successor !== null
  const key = handedOver ? await handOverKey(tx, call, left.key, successor.email, now) : left.key
  const outcome = { left, handedOver, reason: null, rotated: null }
  if (!left.seen) return { ...outcome, rotation: 'not_seen' }
  if (!wanted.rotate_seen) return { ...outcome, rotation: 'not_wanted' }
  try {
    // Whoever is shown the new value has as much as the key.
    requireToChange(call.caller, key)
    const rotated = await changeLockedSecrets(tx, call, { key, policy: left.policy, before: null }, (scene) =>
      planRotation(scene, { overlap: wanted.overlap }),
    )
    return { ...outcome, rotation: 'rotated', rotated }
  } catch (error) {
    // Rules speak before anything is written; what the database says ends the whole.
    if (!(error instanceof DomainError) || error.code === 'database_unavailable') throw error
    if (error.code === 'overlap_too_long') throw error
    return { ...outcome, rotation: 'not_possible', reason: error.code }
  }
}

type OutcomeOfKey = Pick<RemovedMembersKey, 'left' | 'rotation'>

async function recordRemoval(
  tx: Tx,
  call: Call,
  member: MemberRecord,
  successor: MemberRecord | null,
  keys: readonly OutcomeOfKey[],
  now: Instant,
): Promise<void> {
  const ids = (wanted: (one: OutcomeOfKey) => boolean) => keys.filter(wanted).map(({ left }) => left.key.id)
  await recordChange(tx, call, now, {
    action: 'member.removed',
    organizationId: member.organizationId,
    projectId: null,
    target: { type: 'person', id: member.personId, name: member.name },
    before: { email: member.email, role: member.role, projects: member.projects, via: member.via },
    after: {
      handed_over_to: successor?.personId ?? null,
      owned: ids(({ left }) => left.owned),
      created: ids(({ left }) => left.created),
      seen: ids(({ left }) => left.seen),
      rotated: ids(({ rotation }) => rotation === 'rotated'),
    },
    affects: null,
  })
}
