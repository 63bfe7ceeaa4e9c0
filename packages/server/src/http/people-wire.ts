import type { Member, Person } from '@keyturn/contract'
import { formatTime } from '../kernel/instant.ts'
import type { LeftKeyRecord } from '../keys/left-keys.ts'
import { statusAt } from '../keys/state.ts'
import type { Invitation } from '../people/invite.ts'
import type { MemberView } from '../people/members.ts'
import type { Leaving, OpenLinks, Removal } from '../people/remove-member.ts'
import type { SessionRecord } from '../people/sessions.ts'
import type { HeldSession } from '../people/sign-in.ts'
import { toWireKey, toWireRotated } from './wire.ts'

export const toWirePerson = ({ person }: HeldSession): Person => ({
  id: person.id,
  name: person.name,
  email: person.email,
  two_factor: person.twoFactor,
})

export const toWireSession = (session: SessionRecord, current: string) => ({
  id: session.id,
  current: session.id === current,
  signed_in_at: formatTime(session.signedInAt),
  expires_at: formatTime(session.expiresAt),
  address: session.address,
  user_agent: session.userAgent,
  organization_id: session.organizationId,
})

export const toWireMember = (member: MemberView): Member => ({
  id: member.personId,
  name: member.name,
  email: member.email,
  two_factor: member.twoFactor,
  role: member.role,
  projects: [...member.projects],
  via: member.via,
  joined_at: formatTime(member.joinedAt),
  last_signed_in_at: member.lastSignedInAt === null ? null : formatTime(member.lastSignedInAt),
})

export const toWireInvitation = (invitation: Invitation) => ({
  id: invitation.id,
  email: invitation.email,
  role: invitation.role,
  projects: [...invitation.projects],
  mailed: invitation.mailed,
  created_by: invitation.createdBy,
  created_at: formatTime(invitation.createdAt),
  expires_at: formatTime(invitation.expiresAt),
})

const toWireLeftKey = ({ key, owned, created, seen }: LeftKeyRecord, now: number) => ({
  id: key.id,
  name: key.name,
  project_id: key.projectId,
  status: statusAt(key, now),
  owned,
  created,
  seen,
  management: key.management !== null,
})

const toWireLinks = ({ invitations, claimLinks, feedTokens }: OpenLinks) => ({
  invitations,
  claim_links: claimLinks,
  feed_tokens: feedTokens,
})

export const toWireLeaving = ({ member, keys, links, now }: Leaving) => ({
  member: toWireMember(member),
  keys: keys.map((one) => toWireLeftKey(one, now)),
  counts: {
    owned: keys.filter((one) => one.owned).length,
    created: keys.filter((one) => one.created).length,
    seen: keys.filter((one) => one.seen).length,
  },
  open_links: toWireLinks(links),
})

/** @param showValues false for a report that is told again after its values may be shown no more */
export const toWireRemoval = ({ member, successor, keys, links, now }: Removal, showValues: boolean) => ({
  member: toWireMember(member),
  handed_over_to: successor && { id: successor.personId, name: successor.name, email: successor.email },
  withdrawn_links: toWireLinks(links),
  keys: keys.map(({ left, handedOver, rotation, reason, rotated }) => ({
    ...toWireLeftKey(left, now),
    handed_over: handedOver,
    rotation,
    reason,
    key: rotated && toWireKey(rotated.view),
    secret: rotated && toWireRotated(rotated, showValues).secret,
  })),
})
