import { defaultPolicy, type OrganizationPolicyEdit, type Policy, type ProjectPolicyEdit } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'

/** What somebody has set; the rest comes from above. */
export type PolicyOverrides = OrganizationPolicyEdit

/** The rules in force. `namePatterns` has that of the organization and that of the project: a name must match both. */
export interface EffectivePolicy extends Policy {
  readonly namePatterns: readonly string[]
}

/** Null stands for "no bound": the largest of all. */
const lower = (a: number | null, b: number | null | undefined): number | null => {
  if (b === null || b === undefined) return a
  return a === null ? b : Math.min(a, b)
}

/**
 * The organization's rules, tightened by the project's. A project can never loosen: where the organization became stricter
 * after the project set its own rule, the stricter one holds.
 */
export function effectivePolicy(organization: PolicyOverrides, project: PolicyOverrides = {}): EffectivePolicy {
  const base: Policy = { ...defaultPolicy, ...organization }
  const maxLifetime = lower(base.max_lifetime, project.max_lifetime)
  const maxOverlap = Math.min(base.max_overlap, project.max_overlap ?? base.max_overlap)
  const thresholds = [...new Set([...base.reminder_thresholds, ...(project.reminder_thresholds ?? [])])]
  return {
    default_lifetime: Math.min(
      base.default_lifetime,
      project.default_lifetime ?? base.default_lifetime,
      maxLifetime ?? Number.POSITIVE_INFINITY,
    ),
    max_lifetime: maxLifetime,
    allow_never_expires: base.allow_never_expires && (project.allow_never_expires ?? true),
    max_active_keys: Math.min(base.max_active_keys, project.max_active_keys ?? base.max_active_keys),
    default_overlap: Math.min(base.default_overlap, project.default_overlap ?? base.default_overlap, maxOverlap),
    max_overlap: maxOverlap,
    reminder_thresholds: thresholds.sort((a, b) => b - a),
    rotate_every: lower(base.rotate_every, project.rotate_every),
    review_every: lower(base.review_every, project.review_every),
    idle_after: lower(base.idle_after, project.idle_after),
    name_pattern: base.name_pattern ?? project.name_pattern ?? null,
    refuse_vague_names: base.refuse_vague_names || (project.refuse_vague_names ?? false),
    namePatterns: [base.name_pattern, project.name_pattern].filter((pattern) => typeof pattern === 'string'),
  }
}

/** Verdicts come with a warning inside the last thresholds: with others, some say another thing. */
export function changesWarnings(before: PolicyOverrides, after: PolicyOverrides): boolean {
  return JSON.stringify(before.reminder_thresholds) !== JSON.stringify(after.reminder_thresholds)
}

/** The policy as the API shows it. */
export function publicPolicy({ namePatterns: _, ...policy }: EffectivePolicy): Policy {
  return policy
}

/**
 * An organization's own rules after an edit.
 *
 * @throws DomainError policy_is_inconsistent where a default would exceed its maximum
 */
export function editOrganizationPolicy(own: PolicyOverrides, edit: OrganizationPolicyEdit): PolicyOverrides {
  const edited = { ...own, ...edit }
  const policy: Policy = { ...defaultPolicy, ...edited }
  refuseInconsistent(policy, edit)
  return edited
}

/**
 * A project's own rules after an edit; null takes one away.
 *
 * @throws DomainError policy_looser_than_organization naming the field, policy_is_inconsistent
 */
export function editProjectPolicy(
  organization: PolicyOverrides,
  own: PolicyOverrides,
  edit: ProjectPolicyEdit,
): PolicyOverrides {
  const edited = Object.fromEntries(Object.entries({ ...own, ...edit }).filter(([, value]) => value !== null))
  const limits: Policy = { ...defaultPolicy, ...organization }
  const looser = looserFields(limits, edit)
  if (looser.length > 0) {
    throw new DomainError('policy_looser_than_organization', {
      fields: looser,
      organization: Object.fromEntries(looser.map((field) => [field, limits[field]])),
    })
  }
  refuseInconsistent({ ...limits, ...edited }, edit)
  return edited
}

function looserFields(limits: Policy, edit: ProjectPolicyEdit): (keyof Policy)[] {
  const numbers = [
    'default_lifetime',
    'max_lifetime',
    'max_active_keys',
    'default_overlap',
    'max_overlap',
    'rotate_every',
    'review_every',
    'idle_after',
  ] as const
  const looser: (keyof Policy)[] = numbers.filter((field) => {
    const wanted = edit[field]
    const limit = limits[field]
    return typeof wanted === 'number' && limit !== null && wanted > limit
  })
  if (edit.allow_never_expires === true && !limits.allow_never_expires) looser.push('allow_never_expires')
  if (edit.refuse_vague_names === false && limits.refuse_vague_names) looser.push('refuse_vague_names')
  return looser
}

/** Only an edit that touches one of the two is refused: the other fields of an old policy stay editable. */
function refuseInconsistent(policy: Policy, edit: object): void {
  const touched = (...fields: string[]) => fields.some((field) => field in edit)
  if (
    touched('default_lifetime', 'max_lifetime') &&
    policy.max_lifetime !== null &&
    policy.default_lifetime > policy.max_lifetime
  ) {
    throw new DomainError('policy_is_inconsistent', { smaller: 'max_lifetime', larger: 'default_lifetime' })
  }
  if (touched('default_overlap', 'max_overlap') && policy.default_overlap > policy.max_overlap) {
    throw new DomainError('policy_is_inconsistent', { smaller: 'max_overlap', larger: 'default_overlap' })
  }
}
