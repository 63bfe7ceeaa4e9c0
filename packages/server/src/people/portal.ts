import { type Role, scopesOf } from '@keyturn/contract'
import { recordChange } from '../audit/record-change.ts'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { formatTime, type Instant, seconds } from '../kernel/instant.ts'
import { randomBase62 } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import { lockOrganizationForMembers } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Tx } from '../storage/database.ts'
import type { Call, Ground } from './call.ts'
import { addMember, insertNewPerson } from './enrol.ts'
import { findMember, setRoles } from './member-store.ts'
import { requireAnotherOwner } from './members.ts'
import { requireAtLeast, requireScope } from './permissions.ts'
import { findPersonByEmail, type PersonRecord } from './person-store.ts'
import { insertLink, type PortalLink, takeLink } from './portal-store.ts'

// Long enough for a redirect, too short to be found later.
const linkMs = 5 * 60_000

export interface WantedPortalSession {
  readonly email: string
  readonly name?: string | undefined
  readonly role: Role
  /** Of the session, in seconds. */
  readonly ttl: number
}

export interface IssuedPortalLink {
  readonly personId: string
  readonly token: SecretValue
  readonly expiresAt: Instant
}

/**
 * A link that signs one of the product's people into their organization, once. The product vouches for who it is, for this
 * organization alone: neither session nor role holds in another, or with a password. Who was invited here keeps the role of that.
 *
 * @throws DomainError insufficient_scope, cannot_give_more_than_you_have, last_owner
 */
export async function createPortalSession(
  call: Call,
  organization: Organization,
  wanted: WantedPortalSession,
): Promise<IssuedPortalLink> {
  requireScope(call.caller, 'members:write')
  requireAtLeast(call.caller, scopesOf(wanted.role), null)
  const token = new SecretValue(randomBase62(40))
  return call.change(async (tx) => {
    await lockOrganizationForMembers(tx, organization.id)
    const now = await call.now(tx)
    const person = await findOrMake(tx, wanted, now)
    await placeMember(tx, call, organization.id, person, wanted.role, now)
    const expiresAt = now + linkMs
    const link = {
      id: newId('portalLink', now),
      organizationId: organization.id,
      personId: person.id,
      sessionSeconds: wanted.ttl,
    }
    await insertLink(tx, { ...link, createdAt: now, expiresAt }, sha256(token.reveal()))
    await recordChange(tx, call, now, {
      action: 'portal_session.created',
      organizationId: organization.id,
      projectId: null,
      target: { type: 'person', id: person.id, name: person.name },
      before: null,
      after: { email: person.email, role: wanted.role, session_until: formatTime(now + seconds(wanted.ttl)) },
      affects: null,
    })
    return { personId: person.id, token, expiresAt }
  })
}

async function findOrMake(tx: Tx, { email, name }: WantedPortalSession, now: Instant): Promise<PersonRecord> {
  const known = await findPersonByEmail(tx, email)
  if (known) return known
  const made = await insertNewPerson(tx, { name: name ?? email, email, emailVerified: false }, now)
  const person = made ?? (await findPersonByEmail(tx, email))
  if (!person) throw new Error('a person could neither be made nor found')
  return person
}

async function placeMember(tx: Tx, call: Call, organizationId: string, person: PersonRecord, role: Role, now: Instant) {
  const member = { personId: person.id, role, projects: [], via: 'portal' as const }
  if (await addMember(tx, call, organizationId, person, member, now)) return
  const before = await findMember(tx, organizationId, person.id)
  if (!before || before.via !== 'portal' || before.role === role) return
  if (before.role === 'owner') await requireAnotherOwner(tx, organizationId)
  await setRoles(tx, organizationId, person.id, member)
  await recordChange(tx, call, now, {
    action: 'member.role_changed',
    organizationId,
    projectId: null,
    target: { type: 'person', id: person.id, name: person.name },
    before: { role: before.role },
    after: { role },
    affects: null,
  })
}

/** Of two that come with one link at once one gets in. @throws DomainError link_expired */
export async function takePortalLink(ground: Ground, token: string): Promise<PortalLink> {
  return ground.change(async (tx) => {
    const link = await takeLink(tx, sha256(token), await ground.now(tx))
    if (!link || !(await findMember(tx, link.organizationId, link.personId))) throw new DomainError('link_expired')
    return link
  })
}
