import type { Role } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { nameOrganizations } from '../organizations/find.ts'
import type { Call, Ground } from './call.ts'
import { listAdministrators, listMemberships, type MemberRecord } from './member-store.ts'
import { nameActor } from './person-store.ts'
import type { SessionRecord } from './session-store.ts'
import * as store from './session-store.ts'
import type { HeldSession } from './sign-in.ts'

export type { SessionRecord } from './session-store.ts'

/** Where a session reaches: one that a product gave, its organization alone; another not what only a product says. */
export async function membershipsOf(
  ground: Ground,
  session: { readonly person: { readonly id: string }; readonly organizationId: string | null },
): Promise<MemberRecord[]> {
  const all = await listMemberships(ground.reader, session.person.id)
  const { organizationId } = session
  return all.filter((one) => (organizationId === null ? one.via !== 'portal' : one.organizationId === organizationId))
}

export interface NamedMembership {
  readonly organization: { readonly id: string; readonly name: string; readonly slug: string }
  readonly role: Role | null
  readonly projects: MemberRecord['projects']
  /** Whom to ask for what the role does not allow. */
  readonly administrators: readonly { readonly name: string; readonly email: string }[]
}

const mostNamed = 5

export async function readMemberships(ground: Ground, session: HeldSession): Promise<NamedMembership[]> {
  const memberships = await membershipsOf(ground, session)
  const names = await nameOrganizations(
    ground.reader,
    memberships.map((one) => one.organizationId),
  )
  const named: NamedMembership[] = []
  for (const { organizationId, role, projects } of memberships) {
    const organization = names.get(organizationId)
    const administrators = await listAdministrators(ground.reader, organizationId, mostNamed)
    if (organization) named.push({ organization, role, projects, administrators })
  }
  return named
}

/** Live ones, newest first; of a session that a product gave, itself alone. */
export async function listOwnSessions(ground: Ground, session: HeldSession): Promise<SessionRecord[]> {
  const all = await store.listSessions(ground.reader, session.person.id, await ground.now(ground.reader))
  return session.organizationId === null ? all : all.filter(({ id }) => id === session.sessionId)
}

/** @throws DomainError session_not_found */
export async function endOwnSession(call: Call, session: HeldSession, id: string): Promise<void> {
  if (session.organizationId !== null && id !== session.sessionId) throw new DomainError('session_not_found')
  await call.change(async (tx) => {
    await nameActor(tx, call.caller.actor, call.requestId)
    if (!(await store.endSession(tx, session.person.id, id))) throw new DomainError('session_not_found')
  })
}

const dayMs = 86_400_000

/** For a job: what ended a month ago is of no use to anybody. */
export async function forgetEndedSessions(ground: Ground): Promise<void> {
  await store.forgetEnded(ground.reader, (await ground.now(ground.reader)) - 30 * dayMs)
}
