import { type ManagementScope, managementScopes } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import type { Caller } from './call.ts'
import { reachesOrganization, reachesProject, requireAtLeast, requireRoot, requireScope } from './permissions.ts'

const projectIds = ['prj_1', 'prj_2', 'prj_3']
const scopes = fc.subarray([...managementScopes])
const projects = fc.option(fc.subarray(projectIds))
const caller = fc.record({ scopes: fc.oneof(scopes, fc.constant('all' as const)), projects }).map(
  (given): Caller => ({
    actor: { type: 'management_key', id: 'key_1', name: 'Automation' },
    organizationId: 'org_1',
    projects: given.projects === null ? null : new Set(given.projects),
    scopes: given.scopes === 'all' ? 'all' : new Set(given.scopes),
  }),
)

function refusal(work: () => void): DomainError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}
const has = (one: Caller, scope: ManagementScope) => one.scopes === 'all' || one.scopes.has(scope)

describe('a caller', () => {
  it('may do what its scopes say, and is told which one is missing', () => {
    fc.assert(
      fc.property(caller, fc.constantFrom(...managementScopes), (one, scope) => {
        const refused = refusal(() => requireScope(one, scope))
        expect(refused === undefined).toBe(has(one, scope))
        if (refused) expect(refused).toMatchObject({ code: 'insufficient_scope', facts: { scope } })
      }),
    )
  })

  it('gives nobody a scope or a project that it has not itself, and is told which are missing', () => {
    fc.assert(
      fc.property(caller, scopes, projects, (one, wanted, reach) => {
        const refused = refusal(() => requireAtLeast(one, wanted, reach))
        const missingScopes = wanted.filter((scope) => !has(one, scope))
        const missingProjects =
          one.projects === null ? [] : reach === null ? ['all'] : reach.filter((id) => !one.projects?.has(id))
        expect(refused === undefined).toBe(missingScopes.length + missingProjects.length === 0)
        if (refused) {
          expect(refused).toMatchObject({
            code: 'cannot_give_more_than_you_have',
            facts: { scopes: missingScopes, projects: missingProjects },
          })
        }
      }),
    )
  })

  it('of an organization reaches that one alone, and in it the projects that it was given', () => {
    fc.assert(
      fc.property(caller, fc.constantFrom(...projectIds), (one, project) => {
        expect([reachesOrganization(one, 'org_1'), reachesOrganization(one, 'org_2')]).toEqual([true, false])
        expect(reachesProject(one, 'org_1', project)).toBe(one.projects === null || one.projects.has(project))
        expect(reachesProject(one, 'org_2', project)).toBe(false)
      }),
    )
  })

  it('of an organization is never the root, however many scopes it has', () => {
    fc.assert(
      fc.property(caller, (one) => {
        expect(refusal(() => requireRoot(one))?.code).toBe('root_key_required')
      }),
    )
    const root: Caller = {
      actor: { type: 'root_key', id: null, name: 'Root key' },
      organizationId: null,
      projects: null,
      scopes: 'all',
    }
    expect(refusal(() => requireRoot(root))).toBeUndefined()
    expect(reachesProject(root, 'org_7', 'prj_9')).toBe(true)
  })
})
