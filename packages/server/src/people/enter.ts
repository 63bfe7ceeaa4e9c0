import {
  type ActionName,
  actionOf,
  actionOn,
  isAllowed,
  projectsFor,
  reaches,
  rolesFor,
  type Standing,
  scopesOf,
  type Target,
} from '@keyturn/contract'
import { locateReminder } from '../expirations/list-reminders.ts'
import { DomainError } from '../kernel/errors.ts'
import { locateKey } from '../keys/find-key.ts'
import { locateChannel } from '../notifications/find-channel.ts'
import { locateOrganization, locateProject } from '../organizations/find.ts'
import { type Caller, type CallingPerson, type Ground, nowhere } from './call.ts'
import { roleRequired } from './give-role.ts'
import type { MemberRecord } from './member-store.ts'
import { requireRecentSignIn } from './permissions.ts'
import { membershipsOf } from './sessions.ts'
import type { HeldSession } from './sign-in.ts'

/** What the path of a call names. */
export interface Named {
  readonly org?: string | undefined
  readonly project?: string | undefined
  readonly key?: string | undefined
  readonly reminder?: string | undefined
  readonly channel?: string | undefined
}

export interface Entered {
  readonly caller: Caller
  /** Why the call goes no further. */
  readonly refusal: DomainError | null
}

/** A person who has not said yet what they want: nothing is within reach. */
export function callerAtDoor({ person, sessionId, signedInAt }: HeldSession): Caller & { person: CallingPerson } {
  const { id, name, email } = person
  return {
    actor: { type: 'member', id, name },
    organizationId: nowhere,
    projects: new Set(),
    scopes: 'all',
    person: { id, name, email, sessionId, signedInAt, organizations: [], role: null },
  }
}

/**
 * A person as a caller of one action on what the path names. What they do not reach is not there for them: the use case says so
 * as of anything that is missing. What they reach, but may not do, is refused with the role that it wants and whom to ask.
 */
export async function enter(ground: Ground, session: HeldSession, name: ActionName, named: Named): Promise<Entered> {
  const memberships = await membershipsOf(ground, session)
  const organizations = memberships.map((one) => one.organizationId)
  const door = callerAtDoor(session)
  const atDoor: Caller = { ...door, person: { ...door.person, organizations } }
  if (isUnnamed(named)) return { caller: atDoor, refusal: rolesFor(name).length > 0 ? null : forKeysOnly(name) }

  const place = await locate(ground, organizations, named)
  const member = memberships.find((one) => one.organizationId === place?.organizationId)
  if (!place || !member) return { caller: atDoor, refusal: null }
  const standing = standingOf(member)
  const isHidden = place.management === true && standing.role === null
  if (isHidden || !reaches(standing, place.projectId)) return { caller: atDoor, refusal: null }

  const action = actionOn(name, place)
  const caller: Caller = {
    ...door,
    organizationId: member.organizationId,
    projects: place.projectId === null ? projectsFor(action, standing) : reachOf(standing),
    scopes: new Set(rolesAt(standing, place.projectId).flatMap((role) => scopesOf(role))),
    person: { ...door.person, organizations, role: standing.role },
  }
  const refusal =
    (await refuseRole(ground, action, standing, place, session)) ?? refuseOldSignIn(caller, [name, action], session)
  return { caller, refusal }
}

const isUnnamed = (named: Named) => Object.values(named).every((name) => name === undefined)

async function refuseRole(
  ground: Ground,
  action: ActionName,
  standing: Standing,
  place: Place,
  session: HeldSession,
): Promise<DomainError | null> {
  if (isAllowed(action, standing, place, session.person.email)) return null
  const roles = rolesFor(action)
  return roles.length === 0 ? forKeysOnly(action) : roleRequired(ground, place.organizationId, roles)
}

/** Deleting wants a recent sign-in whatever is deleted: as what was asked for counts, and as what it is done to. */
function refuseOldSignIn(caller: Caller, actions: readonly ActionName[], session: HeldSession): DomainError | null {
  if (!actions.some((one) => actionOf(one).recent === 'always')) return null
  return refusalOf(() => requireRecentSignIn(caller, session.now))
}

interface Place extends Target {
  readonly organizationId: string
}

async function locate({ reader }: Ground, organizations: readonly string[], named: Named): Promise<Place | undefined> {
  if (named.key !== undefined) return locateKey(reader, organizations, named.key)
  if (named.reminder !== undefined) return locateReminder(reader, organizations, named.reminder)
  if (named.channel !== undefined) return locateChannel(reader, organizations, named.channel)
  if (named.project !== undefined) {
    const project = await locateProject(reader, organizations, named.project)
    return project && { organizationId: project.organizationId, projectId: project.id }
  }
  const organization = await locateOrganization(reader, named.org ?? '')
  return organization && { organizationId: organization.id, projectId: null }
}

const standingOf = ({ role, projects }: MemberRecord): Standing => ({
  role,
  projects: new Map(projects.map((one) => [one.project_id, one.role])),
})

const reachOf = (standing: Standing) => (standing.role === null ? new Set(standing.projects.keys()) : null)

function rolesAt({ role, projects }: Standing, projectId: string | null) {
  const onProjects = projectId === null ? [...projects.values()] : [projects.get(projectId)]
  return [role, ...onProjects].filter((one) => one !== null && one !== undefined)
}

const forKeysOnly = (name: ActionName) =>
  new DomainError(actionOf(name).scope === 'root' ? 'root_key_required' : 'for_keys_only')

function refusalOf(check: () => void): DomainError | null {
  try {
    check()
    return null
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}
