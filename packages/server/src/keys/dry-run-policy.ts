import { type OrganizationPolicyEdit, type PolicyRule, type ProjectPolicyEdit } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import { readProjects } from '../organizations/find.ts'
import type { Organization, Project } from '../organizations/organization.ts'
import {
  type EffectivePolicy,
  editOrganizationPolicy,
  editProjectPolicy,
  effectivePolicy,
} from '../organizations/policy.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import { type JudgedRow, listJudged } from './judged-store.ts'
import { matchNames } from './name-policy.ts'
import { breachesOf } from './policy-breaches.ts'

/** The rules of a project as they are, and as they would be. */
interface ChangedRules {
  readonly projectId: string
  readonly before: EffectivePolicy
  readonly after: EffectivePolicy
}

export interface BrokenKey {
  readonly key: JudgedRow
  readonly inUse: boolean
  readonly rules: readonly PolicyRule[]
}

interface Count {
  keys: number
  in_use: number
}

export interface DryRun {
  readonly broken: readonly BrokenKey[]
  readonly nextCursor: string | null
  /** Of all pages together; on the first one alone. */
  readonly counts:
    | (Count & {
        readonly rules: Record<PolicyRule, Count>
        readonly overLimit: readonly { projectId: string; active: number; limit: number }[]
      })
    | null
}

interface PageQuery {
  readonly limit: number
  readonly cursor?: string | undefined
}

/**
 * Which keys a change of the organization's policy would break, and how many of them are in use. Nothing is changed, and the change itself
 * would refuse none of them: they could not be made so again.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, policy_is_inconsistent, invalid_cursor
 */
export async function dryRunOrganization(
  call: Call,
  organization: Organization,
  edit: OrganizationPolicyEdit,
  query: PageQuery,
): Promise<DryRun> {
  requireScope(call.caller, 'keys:read')
  requireWholeOrganization(call.caller)
  const own = editOrganizationPolicy(organization.policy, edit)
  const projects = await readProjects(call.reader, organization.id)
  const rules = projects.map(({ project, policy }) => ({
    projectId: project.id,
    before: policy,
    after: effectivePolicy(own, project.policy),
  }))
  return dryRun(call, organization.id, rules, query)
}

/** The same of a project's own rules. @throws DomainError insufficient_scope, policy_looser_than_organization, policy_is_inconsistent, invalid_cursor */
export async function dryRunProject(
  call: Call,
  project: Project,
  edit: ProjectPolicyEdit,
  query: PageQuery,
): Promise<DryRun> {
  requireScope(call.caller, 'keys:read')
  const all = await readProjects(call.reader, project.organizationId)
  const found = all.find((one) => one.project.id === project.id)
  if (!found) throw new DomainError('project_not_found')
  const { organization, policy: before } = found
  const own = editProjectPolicy(organization.policy, project.policy, edit)
  const after = effectivePolicy(organization.policy, own)
  return dryRun(call, project.organizationId, [{ projectId: project.id, before, after }], query)
}

// As many names as are matched within one turn of the event loop.
const step = 1_000
const inUseMs = 30 * 86_400_000

async function dryRun(
  call: Call,
  organizationId: string,
  rules: readonly ChangedRules[],
  { limit, cursor }: PageQuery,
): Promise<DryRun> {
  if (cursor !== undefined && !isIdOf('key', cursor)) throw new DomainError('invalid_cursor')
  const now = await call.now(call.reader)
  const byProject = new Map(rules.map((rule) => [rule.projectId, rule]))
  const broken: BrokenKey[] = []
  const total = newCount()
  const perRule = newRuleCounts()
  const active = new Map<string, number>()
  for (let after = cursor ?? null; ; ) {
    const page = { after, limit: step, now }
    const keys = await listJudged(call.reader, organizationId, [...byProject.keys()], page)
    for (const one of judge(keys, byProject, now)) {
      active.set(one.key.projectId, (active.get(one.key.projectId) ?? 0) + 1)
      if (one.rules.length === 0) continue
      if (broken.length <= limit) broken.push(one)
      for (const count of [total, ...one.rules.map((rule) => perRule[rule])]) {
        count.keys++
        if (one.inUse) count.in_use++
      }
    }
    after = keys.at(-1)?.id ?? null
    if (keys.length < step || (cursor !== undefined && broken.length > limit)) break
  }
  const overLimit = rules.flatMap(({ projectId, before, after }) => {
    const [count, most] = [active.get(projectId) ?? 0, after.max_active_keys]
    return count >= most && count < before.max_active_keys ? [{ projectId, active: count, limit: most }] : []
  })
  return {
    broken: broken.slice(0, limit),
    nextCursor: broken.length > limit ? (broken[limit - 1]?.key.id ?? null) : null,
    counts: cursor === undefined ? { ...total, rules: perRule, overLimit } : null,
  }
}

const newCount = (): Count => ({ keys: 0, in_use: 0 })
const newRuleCounts = (): Record<PolicyRule, Count> => ({
  allow_never_expires: newCount(),
  max_lifetime: newCount(),
  max_overlap: newCount(),
  name_pattern: newCount(),
  refuse_vague_names: newCount(),
  rotate_every: newCount(),
})

/** What is out of order now stays so: that is not for this change to answer for. */
function judge(keys: readonly JudgedRow[], byProject: ReadonlyMap<string, ChangedRules>, now: Instant): BrokenKey[] {
  const patterns = new Set(
    [...byProject.values()].flatMap(({ before, after }) => [...before.namePatterns, ...after.namePatterns]),
  )
  const names = keys.map(({ name }) => name)
  const matched = new Map([...patterns].map((pattern) => [pattern, matchNames(names, pattern)]))
  const matches = (name: string, pattern: string) => matched.get(pattern)?.has(name) ?? false
  return keys.flatMap((key) => {
    const changed = byProject.get(key.projectId)
    if (!changed) return []
    const before = new Set(breachesOf(key, changed.before, now, matches))
    const rules = breachesOf(key, changed.after, now, matches).filter((rule) => !before.has(rule))
    return [{ key, inUse: key.lastUsedAt >= now - inUseMs, rules }]
  })
}
