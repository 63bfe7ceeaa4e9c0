import { type ManagementScope, managementScopes } from './keys.ts'
import { type ProjectRole, type Role, roles } from './roles.ts'

/** What an action is done to. On an organization's path, one `within` projects reaches those where the caller has such a role. */
type Level = 'organization' | 'project'

interface Action {
  /** In words, for the documentation. */
  readonly does: string
  /** What a management key needs for it; `root`: the root key; `any`: nothing further. */
  readonly scope: ManagementScope | 'root' | 'any'
  readonly level: Level
  /** Who may. `own`: on keys that they own. */
  readonly roles: Partial<Record<Role, true | 'own'>>
  /** Wants a sign-in not older than 15 minutes: always, or where the request loosens rules or takes access away. */
  readonly recent?: 'always' | 'rules'
  /** The same done to a management key is another action. */
  readonly ofManagementKeys?: 'management_keys:read' | 'management_keys:renew' | 'management_keys:change'
}

const administrators = { owner: true, admin: true } as const
const keepers = { ...administrators, manager: true } as const
const holders = { ...keepers, member: 'own' } as const
const readers = { ...administrators, auditor: true } as const
const everybody = { ...keepers, member: true, auditor: true } as const

/**
 * The one table of who may do what. The API asks it before every call, `GET /v1/me` tells from it what somebody may, and a test
 * holds docs/roles.md against it. A role on the organization holds on all of its projects; one on a project holds there.
 */
export const actions = {
  'organizations:create': { does: 'Create organizations', scope: 'root', level: 'organization', roles: {} },
  'organizations:import': {
    does: 'Import an organization that another installation exported',
    scope: 'root',
    level: 'organization',
    roles: {},
  },
  'organizations:list': {
    does: 'See which organizations there are',
    scope: 'keys:read',
    level: 'project',
    roles: everybody,
  },
  'organization:read': { does: 'See the organization', scope: 'keys:read', level: 'project', roles: everybody },
  'organization:edit': {
    does: 'Rename the organization, set its policy, switch its API access',
    scope: 'policy:write',
    level: 'organization',
    roles: administrators,
    recent: 'rules',
  },
  // Digests and the whole trail: as good as a backup.
  'organization:export': {
    does: 'Export the organization',
    scope: 'management:write',
    level: 'organization',
    roles: administrators,
    recent: 'always',
  },
  'policy:try': {
    does: "Try out a change of the organization's policy",
    scope: 'keys:read',
    level: 'organization',
    roles: everybody,
  },
  'projects:create': { does: 'Create projects', scope: 'projects:write', level: 'organization', roles: administrators },
  'projects:read': { does: 'See projects', scope: 'keys:read', level: 'project', roles: everybody },
  'projects:edit': {
    does: 'Rename a project, set its policy, switch its API access',
    scope: 'projects:write',
    level: 'project',
    roles: administrators,
    recent: 'rules',
  },
  'projects:renew': {
    does: 'Ask the holders of all keys of a project to renew now',
    scope: 'policy:write',
    level: 'project',
    roles: administrators,
  },
  'keys:read': {
    does: 'See keys and how they are used',
    scope: 'keys:read',
    level: 'project',
    roles: everybody,
    ofManagementKeys: 'management_keys:read',
  },
  'keys:create': { does: 'Create keys', scope: 'keys:write', level: 'project', roles: keepers },
  'keys:edit': {
    does: 'Rename and edit keys',
    scope: 'keys:write',
    level: 'project',
    roles: holders,
    ofManagementKeys: 'management_keys:renew',
  },
  'keys:rotate': {
    does: 'Rotate, stage, promote, finish, cancel; make and withdraw claim links',
    scope: 'keys:write',
    level: 'project',
    roles: holders,
    ofManagementKeys: 'management_keys:renew',
  },
  'keys:change': {
    does: 'Extend, disable, enable, revoke keys',
    scope: 'keys:write',
    level: 'project',
    roles: keepers,
    ofManagementKeys: 'management_keys:change',
  },
  'keys:delete': {
    does: 'Delete keys',
    scope: 'keys:write',
    level: 'project',
    roles: keepers,
    recent: 'always',
    ofManagementKeys: 'management_keys:change',
  },
  'feed_tokens:write': {
    does: 'Make and revoke feed tokens of the calendar',
    scope: 'keys:write',
    level: 'project',
    roles: keepers,
  },
  'tracked_credentials:write': {
    does: 'Track credentials of other vendors',
    scope: 'keys:write',
    level: 'project',
    roles: keepers,
  },
  'reminders:read': {
    does: 'See who was told what, or is going to be',
    scope: 'keys:read',
    level: 'project',
    roles: { ...keepers, auditor: true },
  },
  'reminders:change': {
    does: 'Acknowledge reminders',
    scope: 'keys:write',
    level: 'project',
    roles: keepers,
  },
  'channels:read': {
    does: 'See channels and what was sent to them',
    scope: 'audit:read',
    level: 'organization',
    roles: { ...keepers, auditor: true },
  },
  'channels:write': {
    does: 'Make, edit, test and delete channels; rotate their signing secrets, send again what did not arrive',
    scope: 'policy:write',
    level: 'organization',
    roles: administrators,
  },
  'mails:read': {
    does: 'Read the outbox: what was mailed to whom, and what became of it',
    scope: 'keys:read',
    level: 'organization',
    roles: { ...readers, manager: true },
  },
  'mails:change': {
    does: 'Send a mail again that failed',
    scope: 'keys:write',
    level: 'organization',
    roles: keepers,
  },
  'management_keys:read': { does: 'See management keys', scope: 'keys:read', level: 'organization', roles: readers },
  'management_keys:create': {
    does: 'Create management keys',
    scope: 'management:write',
    level: 'organization',
    roles: administrators,
    recent: 'always',
  },
  // Another value, or further scopes, are as good as another key.
  'management_keys:renew': {
    does: 'Edit and rotate management keys',
    scope: 'management:write',
    level: 'organization',
    roles: administrators,
    recent: 'always',
  },
  'management_keys:change': {
    does: 'Extend, disable, enable, revoke management keys',
    scope: 'management:write',
    level: 'organization',
    roles: administrators,
  },
  'audit:read': {
    does: 'Read the audit trail',
    scope: 'audit:read',
    level: 'project',
    roles: { ...keepers, auditor: true },
  },
  'audit:verify': { does: 'Verify the audit trail', scope: 'audit:read', level: 'organization', roles: readers },
  'members:read': {
    does: 'See members and invitations, and what a member would leave',
    scope: 'members:read',
    level: 'organization',
    roles: readers,
  },
  'members:write': {
    does: 'Invite people, give roles, remove members, make links for new passwords',
    scope: 'members:write',
    level: 'organization',
    roles: administrators,
    recent: 'always',
  },
  'members:withdraw': {
    does: 'Withdraw invitations',
    scope: 'members:write',
    level: 'organization',
    roles: administrators,
  },
  'portal_sessions:create': {
    does: "Sign a customer's person in through a product",
    scope: 'members:write',
    level: 'organization',
    roles: {},
  },
  'verdicts:ask': { does: 'Ask for verdicts', scope: 'verify', level: 'project', roles: {} },
  'propagations:read': { does: 'See how far a change has come', scope: 'any', level: 'project', roles: everybody },
  'installation:read': {
    does: "See nodes, signing keys and the installation's audit trail",
    scope: 'root',
    level: 'organization',
    roles: {},
  },
  'signing_keys:rotate': {
    does: 'Rotate the key that signs tokens',
    scope: 'root',
    level: 'organization',
    roles: {},
  },
} as const satisfies Record<string, Action>

export type ActionName = keyof typeof actions

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names of the table
export const actionNames = Object.keys(actions) as ActionName[]

export const actionOf = (name: ActionName): Action => actions[name]

/** The roles that may, the least powerful first: whom to become to be allowed. */
export function rolesFor(name: ActionName): Role[] {
  const allowed = actionOf(name).roles
  return roles.filter((role) => allowed[role] === true).toReversed()
}

export interface RoleOnProject {
  readonly project_id: string
  readonly role: ProjectRole
}

/** What a person is in one organization. */
export interface Standing {
  /** On the whole of it. */
  readonly role: Role | null
  readonly projects: ReadonlyMap<string, Role>
}

/** What an action is done to, where that is there. */
export interface Target {
  /** Null: the organization itself. */
  readonly projectId: string | null
  /** Of a key: its owner's address. */
  readonly owner?: string | null
  readonly management?: boolean
}

export function reaches(standing: Standing, projectId: string | null): boolean {
  if (standing.role !== null) return true
  return projectId === null ? standing.projects.size > 0 : standing.projects.has(projectId)
}

/** The same action, or its counterpart for management keys where it is done to one. */
export function actionOn(name: ActionName, target: Target): ActionName {
  return target.management ? (actionOf(name).ofManagementKeys ?? name) : name
}

/**
 * May a person of this standing do it to this?
 *
 * @param email of the person: a key with this owner is theirs
 */
export function isAllowed(name: ActionName, standing: Standing, target: Target, email: string): boolean {
  const { roles: allowed, level } = actionOf(name)
  const may = (role: Role | null | undefined) => {
    const rule = role ? allowed[role] : undefined
    return rule === true || (rule === 'own' && target.owner === email)
  }
  if (may(standing.role)) return true
  if (level === 'organization') return false
  if (target.projectId !== null) return may(standing.projects.get(target.projectId))
  return [...standing.projects.values()].some(may)
}

/** The projects on which they may, for what looks at several of them; null: all. */
export function projectsFor(name: ActionName, standing: Standing): ReadonlySet<string> | null {
  const allowed = actionOf(name).roles
  if (standing.role !== null && allowed[standing.role]) return null
  return new Set([...standing.projects].filter(([, role]) => allowed[role]).map(([id]) => id))
}

/** What a role can do in terms of scopes: nobody gives a role to somebody that has more than they have. */
export function scopesOf(role: Role): readonly ManagementScope[] {
  if (role === 'owner' || role === 'admin') return managementScopes
  const wanted = new Set<string>(
    actionNames.filter((name) => actionOf(name).roles[role]).map((name) => actionOf(name).scope),
  )
  return managementScopes.filter((scope) => wanted.has(scope))
}

/** Only owners make and unmake owners; whoever gives another role is an administrator anyway. */
export function mayGive(giver: Role | null, role: Role | null): boolean {
  return role !== 'owner' || giver === 'owner'
}

/** What a role allows: everywhere within its reach, and on keys that its holder owns. */
export interface Rights {
  readonly actions: ActionName[]
  readonly on_own_keys: ActionName[]
}

/** @param level what the role is on: one on a project allows nothing that is done to the organization */
export function rightsOf(role: Role | null, level: Level): Rights {
  const within = actionNames.filter((name) => level === 'organization' || actionOf(name).level === 'project')
  const having = (rule: true | 'own') => within.filter((name) => role !== null && actionOf(name).roles[role] === rule)
  return { actions: having(true), on_own_keys: having('own') }
}
