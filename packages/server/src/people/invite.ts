import { recordChange } from '../audit/record-change.ts'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf, newId } from '../kernel/ids.ts'
import { formatTime, type Instant } from '../kernel/instant.ts'
import { randomBase62 } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import { lockOrganizationForMembers } from '../organizations/find.ts'
import type { Page, PageQuery } from '../organizations/list.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Tx } from '../storage/database.ts'
import type { Call, Ground } from './call.ts'
import { addMember, callBy, signUp } from './enrol.ts'
import { rolesToGive, type WantedRoles } from './give-role.ts'
import type { Invitation } from './invitation-store.ts'
import * as store from './invitation-store.ts'
import { findMember, listMemberships, setRoles } from './member-store.ts'
import { requireAnotherOwner } from './members.ts'
import { findPersonByEmail, hasPassword, type PersonRecord, verifyEmail } from './person-store.ts'
import type { SignIn } from './sign-in.ts'

export type { Invitation } from './invitation-store.ts'

const invitationMs = 7 * 86_400_000

/** A new invitation with what its link is made of, which this answer alone has. */
export interface IssuedInvitation {
  readonly invitation: Invitation
  readonly token: SecretValue
}

/**
 * Invites an address. A former invitation to it that is still open gives way.
 *
 * @throws DomainError already_a_member, project_not_found, role_required, cannot_give_more_than_you_have
 */
export async function invite(
  call: Call,
  organization: Organization,
  wanted: WantedRoles & { readonly email: string },
): Promise<IssuedInvitation> {
  const roles = await rolesToGive(call, organization.id, wanted)
  const known = await findPersonByEmail(call.reader, wanted.email)
  const member = known && (await findMember(call.reader, organization.id, known.id))
  if (member && member.via !== 'portal') throw new DomainError('already_a_member', { member: member.personId })
  const token = new SecretValue(randomBase62(40))
  return call.change(async (tx) => {
    const now = await call.now(tx)
    const invitation: Invitation = {
      id: newId('invitation', now),
      organizationId: organization.id,
      email: wanted.email,
      ...roles,
      mailed: false,
      createdBy: call.caller.actor,
      createdAt: now,
      expiresAt: now + invitationMs,
    }
    await store.insertInvitation(tx, invitation, sha256(token.reveal()))
    await record(tx, call, now, 'invitation.created', invitation)
    return { invitation, token }
  })
}

/** It went out to the mailbox, and nobody else was given it. */
export async function noteMailed(ground: Ground, invitation: Invitation): Promise<Invitation> {
  await store.markMailed(ground.reader, invitation.id)
  return { ...invitation, mailed: true }
}

/** Open ones. @throws DomainError invalid_cursor */
export async function listInvitations(call: Call, organizationId: string, query: PageQuery): Promise<Page<Invitation>> {
  const { cursor, limit } = query
  if (cursor !== undefined && !isIdOf('invitation', cursor)) throw new DomainError('invalid_cursor')
  const now = await call.now(call.reader)
  const rows = await store.listInvitations(call.reader, organizationId, now, {
    after: cursor ?? null,
    limit: limit + 1,
  })
  const data = rows.slice(0, limit)
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null }
}

/** @throws DomainError invitation_not_found */
export async function withdrawInvitation(call: Call, organizationId: string, id: string): Promise<void> {
  await call.change(async (tx) => {
    const now = await call.now(tx)
    const invitation = await store.withdraw(tx, organizationId, id, now)
    if (!invitation) throw new DomainError('invitation_not_found')
    await record(tx, call, now, 'invitation.withdrawn', invitation)
  })
}

/** What a link leads to, and whether its person has an account already. @throws DomainError link_expired */
export async function readInvitation(
  ground: Ground,
  token: string,
): Promise<{ invitation: Invitation; hasAccount: boolean }> {
  const now = await ground.now(ground.reader)
  const invitation = await store.findByToken(ground.reader, sha256(token), now)
  if (!invitation) throw new DomainError('link_expired')
  return { invitation, hasAccount: await hasAccount(ground, invitation) }
}

/**
 * Whom only a product has signed in has no password yet, and gives themselves one here: where the link went to their mailbox, or no
 * other organization knows them. Else whoever invites them would be given what they are elsewhere.
 */
async function hasAccount({ reader }: Ground, { email, mailed, organizationId }: Invitation): Promise<boolean> {
  const person = await findPersonByEmail(reader, email)
  if (!person) return false
  if (await hasPassword(reader, person.id)) return true
  return !mailed && (await listMemberships(reader, person.id)).some((one) => one.organizationId !== organizationId)
}

export interface Acceptance {
  readonly token: string
  readonly name?: string | undefined
  readonly password?: string | undefined
}

/**
 * Makes whoever has the link a member. Who has an account with the address has to be signed in with it: the link alone is not to
 * open an account that is there, nor is somebody else's session to take the invitation.
 *
 * @param signedIn who accepts, where somebody is signed in
 * @returns the person's address
 * @throws DomainError link_expired, sign_in_to_accept, password_refused, invalid_request, last_owner
 */
export async function acceptInvitation(
  ground: Ground,
  signIn: SignIn,
  from: Pick<Call, 'requestId' | 'address'>,
  signedIn: PersonRecord | null,
  { token, name, password }: Acceptance,
): Promise<{ email: string; isNew: boolean }> {
  const { invitation, hasAccount: isKnown } = await readInvitation(ground, token)
  const { email } = invitation
  if (isKnown && signedIn?.email !== email) throw new DomainError('sign_in_to_accept')
  const newcomer = isKnown ? null : await hashedNewcomer(signIn, email, name, password)
  await ground.change(async (tx) => {
    await lockOrganizationForMembers(tx, invitation.organizationId)
    const now = await ground.now(tx)
    const locked = await store.lockByToken(tx, sha256(token), now)
    if (!locked) throw new DomainError('link_expired')
    const person = newcomer ? await signUp(tx, { ...newcomer, emailVerified: locked.mailed }, now) : signedIn
    if (!person) throw new DomainError('sign_in_to_accept')
    if (isKnown && locked.mailed) await verifyEmail(tx, person.id)
    const call = callBy(ground, person, from)
    const roles = { role: locked.role, projects: locked.projects, via: 'invitation' as const }
    const member = { personId: person.id, ...roles }
    // Whom a product signed in before is one already; what they were invited to takes the place of what the product said.
    if (!(await addMember(tx, call, locked.organizationId, person, member, now))) {
      const before = await findMember(tx, locked.organizationId, person.id)
      if (before?.role === 'owner' && roles.role !== 'owner') await requireAnotherOwner(tx, locked.organizationId)
      await setRoles(tx, locked.organizationId, person.id, roles)
    }
    await store.markAccepted(tx, locked.id, now)
    await record(tx, call, now, 'invitation.accepted', locked)
  })
  return { email, isNew: !isKnown }
}

async function hashedNewcomer(signIn: SignIn, email: string, name = '', password = '') {
  if (name === '') throw new DomainError('invalid_request', { errors: [{ path: 'name', detail: 'is required' }] })
  return { name, email, password: await signIn.hashNewPassword(password, [name, email]) }
}

/** Whoever leaves takes no open link along by which they could come back. @returns how many there were */
export async function withdrawInvitationsBy(
  tx: Tx,
  call: Call,
  organizationId: string,
  personId: string,
  now: Instant,
): Promise<number> {
  const withdrawn = await store.withdrawBy(tx, organizationId, personId, now)
  for (const invitation of withdrawn) await record(tx, call, now, 'invitation.withdrawn', invitation)
  return withdrawn.length
}

export const countInvitationsBy = store.countBy

async function record(
  tx: Tx,
  call: Call,
  now: Instant,
  action: 'invitation.created' | 'invitation.accepted' | 'invitation.withdrawn',
  invitation: Invitation,
): Promise<void> {
  const { id, organizationId, email, role, projects, expiresAt } = invitation
  const described = { email, role, projects, expires_at: formatTime(expiresAt) }
  await recordChange(tx, call, now, {
    action,
    organizationId,
    projectId: null,
    target: { type: 'invitation', id, name: email },
    before: action === 'invitation.created' ? null : described,
    after: action === 'invitation.withdrawn' ? null : described,
    affects: null,
  })
}
