import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { managementScopes } from './keys.ts'
import {
  type ActionName,
  actionNames,
  actionOf,
  actionOn,
  isAllowed,
  mayGive,
  projectsFor,
  rightsOf,
  rolesFor,
  type Standing,
  scopesOf,
} from './permissions.ts'
import { projectRoles, type Role, roles } from './roles.ts'

const everybody: ActionName[] = [
  'organizations:list',
  'organization:read',
  'projects:read',
  'keys:read',
  'propagations:read',
  'policy:try',
]
const ofManager: ActionName[] = [
  ...everybody,
  'keys:create',
  'keys:edit',
  'keys:rotate',
  'keys:change',
  'keys:delete',
  'feed_tokens:write',
  'tracked_credentials:write',
  'audit:read',
  'channels:read',
  'reminders:read',
  'reminders:change',
  'mails:read',
  'mails:change',
]
const ofAuditor: ActionName[] = [
  ...everybody,
  'management_keys:read',
  'audit:read',
  'audit:verify',
  'members:read',
  'channels:read',
  'reminders:read',
  'mails:read',
]
const ofAdmin: ActionName[] = [
  ...new Set([...ofManager, ...ofAuditor]),
  'organization:edit',
  'organization:export',
  'projects:create',
  'projects:edit',
  'projects:renew',
  'management_keys:create',
  'management_keys:renew',
  'management_keys:change',
  'members:write',
  'members:withdraw',
  'channels:write',
]
const ofNobody: ActionName[] = [
  'organizations:create',
  'organizations:import',
  'portal_sessions:create',
  'verdicts:ask',
  'installation:read',
  'signing_keys:rotate',
]

/** By hand, and not from the table: what each role is promised. */
const promised: Record<Role, ActionName[]> = {
  owner: ofAdmin,
  admin: ofAdmin,
  manager: ofManager,
  member: everybody,
  auditor: ofAuditor,
}

const onOrganization = (role: Role): Standing => ({ role, projects: new Map() })
const standing: Standing = { role: null, projects: new Map([['prj_1', 'manager' as const]]) }
const me = 'me@example.com'

describe('the table of roles', () => {
  it.each(roles)('lets %s do what the role promises, and nothing else', (role) => {
    expect(rightsOf(role, 'organization').actions.toSorted()).toEqual(promised[role].toSorted())
  })

  it('knows every action, and gives each to somebody but those for programs', () => {
    expect([...actionNames].toSorted()).toEqual([...ofAdmin, ...ofNobody].toSorted())
    for (const name of ofNobody) expect(rolesFor(name)).toEqual([])
  })

  it('lets a member edit and rotate keys that they own, and no others', () => {
    expect(rightsOf('member', 'project').on_own_keys).toEqual(['keys:edit', 'keys:rotate'])
    for (const role of roles.filter((one) => one !== 'member'))
      expect(rightsOf(role, 'organization').on_own_keys).toEqual([])
    const key = { projectId: 'prj_1', owner: me }
    expect(isAllowed('keys:rotate', onOrganization('member'), key, me)).toBe(true)
    expect(isAllowed('keys:rotate', onOrganization('member'), { ...key, owner: 'you@example.com' }, me)).toBe(false)
    expect(isAllowed('keys:rotate', onOrganization('member'), { ...key, owner: null }, me)).toBe(false)
    expect(isAllowed('keys:change', onOrganization('member'), key, me)).toBe(false)
    expect(isAllowed('keys:rotate', onOrganization('auditor'), key, me)).toBe(false)
  })

  it('lets an auditor change nothing', () => {
    const changing = /:(create|edit|change|delete|rotate|renew|write|withdraw)$/
    expect(rightsOf('auditor', 'organization').actions.filter((name) => changing.test(name))).toEqual([])
  })

  it.each(projectRoles)('lets a role of %s on a project do nothing to the organization or another project', (role) => {
    const there: Standing = { role: null, projects: new Map([['prj_1', role]]) }
    for (const name of rightsOf(role, 'project').actions) {
      expect(isAllowed(name, there, { projectId: 'prj_1' }, me), name).toBe(true)
      expect(isAllowed(name, there, { projectId: 'prj_2' }, me), name).toBe(false)
    }
    for (const name of actionNames.filter((one) => actionOf(one).level === 'organization'))
      expect(isAllowed(name, there, { projectId: null }, me), name).toBe(false)
  })

  it('asks for the rule of management keys where something is done to one', () => {
    const target = { projectId: null, management: true }
    expect(actionOn('keys:rotate', target)).toBe('management_keys:renew')
    expect(actionOn('keys:change', target)).toBe('management_keys:change')
    expect(actionOn('keys:read', target)).toBe('management_keys:read')
    expect(actionOn('keys:rotate', { projectId: 'prj_1' })).toBe('keys:rotate')
  })

  it('names the least powerful role first, as the one to become', () => {
    expect(rolesFor('keys:create')).toEqual(['manager', 'admin', 'owner'])
    expect(rolesFor('audit:verify')).toEqual(['auditor', 'admin', 'owner'])
  })

  it('says of which projects somebody sees what', () => {
    expect(projectsFor('keys:read', onOrganization('member'))).toBeNull()
    expect(projectsFor('keys:read', standing)).toEqual(new Set(['prj_1']))
    expect(projectsFor('audit:read', { role: null, projects: new Map([['prj_1', 'member' as const]]) })).toEqual(
      new Set(),
    )
  })

  it('has only owners make and unmake owners', () => {
    for (const giver of [...roles, null]) {
      expect(mayGive(giver, 'owner')).toBe(giver === 'owner')
      expect(mayGive(giver, 'admin')).toBe(true)
    }
  })

  it('weighs a role in scopes, so that no key gives a role that can do more than itself', () => {
    expect(scopesOf('owner')).toEqual(managementScopes)
    expect(scopesOf('member')).toEqual(['keys:read', 'keys:write'])
    expect(scopesOf('auditor').filter((scope) => scope.endsWith(':write'))).toEqual([])
  })
})

describe('docs/roles.md', () => {
  it('shows this very table', () => {
    const mark = (rule: true | 'own' | undefined) => (rule === true ? '✓' : rule === 'own' ? 'own keys' : '')
    const rows = actionNames.map((name) => {
      const { does, level, recent, roles: allowed, scope } = actionOf(name)
      const stepUp = recent === 'always' ? '✓' : recent === 'rules' ? 'policy, API access off' : ''
      const wanted = scope === 'root' ? 'root key' : scope === 'any' ? 'any' : `\`${scope}\``
      const cells = roles.map((role) => mark(allowed[role]))
      return `| ${[does, `\`${name}\``, level, ...cells, wanted, stepUp].join(' | ')} |`
    })
    const text = readFileSync(new URL('../../../docs/roles.md', import.meta.url), 'utf8')
    const shown = text.split('\n').filter((line) => /^\| .*`\w+:\w+`/.test(line))
    expect(shown.map((line) => line.replace(/ +/g, ' '))).toEqual(rows.map((row) => row.replace(/ +/g, ' ')))
  })
})
