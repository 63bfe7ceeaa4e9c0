import { defaultPolicy, type Policy, type ProjectPolicyEdit } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { editOrganizationPolicy, editProjectPolicy, effectivePolicy, publicPolicy } from './policy.ts'

const day = 86_400
const days = fc.integer({ min: 1, max: 1000 }).map((count) => count * day)
const pattern = fc.constantFrom('a.*', 'b.*', '.*')
const rules = {
  default_lifetime: days,
  max_lifetime: fc.option(days),
  allow_never_expires: fc.boolean(),
  max_active_keys: fc.integer({ min: 1, max: 100 }),
  default_overlap: fc.integer({ min: 0, max: 365 * day }),
  max_overlap: fc.integer({ min: 0, max: 365 * day }),
  reminder_thresholds: fc.array(fc.constantFrom(day, 7 * day, 30 * day, 90 * day), { minLength: 1, maxLength: 4 }),
  rotate_every: fc.option(days),
  review_every: fc.option(days),
  idle_after: fc.option(days),
  name_pattern: fc.option(pattern),
  refuse_vague_names: fc.boolean(),
}
const organizationRules = fc.record(rules, { requiredKeys: [] })
const projectRules = fc.record(
  Object.fromEntries(Object.entries(rules).map(([field, rule]) => [field, fc.option(rule as fc.Arbitrary<unknown>)])),
  { requiredKeys: [] },
) as fc.Arbitrary<ProjectPolicyEdit>

/** Written anew, without looking at the code: does `a` forbid all that `b` forbids? */
function isAtLeastAsStrict(a: Policy, b: Policy): boolean {
  const notAbove = (x: number | null, y: number | null) => y === null || (x !== null && x <= y)
  return (
    a.default_lifetime <= b.default_lifetime &&
    notAbove(a.max_lifetime, b.max_lifetime) &&
    (b.allow_never_expires || !a.allow_never_expires) &&
    a.max_active_keys <= b.max_active_keys &&
    a.default_overlap <= b.default_overlap &&
    a.max_overlap <= b.max_overlap &&
    b.reminder_thresholds.every((threshold) => a.reminder_thresholds.includes(threshold)) &&
    notAbove(a.rotate_every, b.rotate_every) &&
    notAbove(a.review_every, b.review_every) &&
    notAbove(a.idle_after, b.idle_after) &&
    (a.refuse_vague_names || !b.refuse_vague_names)
  )
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

describe('the rules in force in a project', () => {
  it('are never looser than those of its organization, whatever either of them has set, and when', () => {
    fc.assert(
      fc.property(organizationRules, projectRules, organizationRules, (then, edit, now) => {
        let own = {}
        // What the project was allowed to set then, must not be looser than what the organization says now.
        if (codeOf(() => editProjectPolicy(then, {}, edit)) === undefined) own = editProjectPolicy(then, {}, edit)
        for (const organization of [then, now]) {
          const inForce = effectivePolicy(organization, own)
          expect(isAtLeastAsStrict(inForce, effectivePolicy(organization))).toBe(true)
          for (const one of [organization.name_pattern, effectivePolicy({}, own).name_pattern])
            if (typeof one === 'string') expect(inForce.namePatterns).toContain(one)
        }
      }),
    )
  })

  it('are consistent: no default is above its maximum', () => {
    fc.assert(
      fc.property(organizationRules, organizationRules, (organization, project) => {
        const inForce = effectivePolicy(organization, project)
        expect(inForce.default_lifetime).toBeLessThanOrEqual(inForce.max_lifetime ?? Number.POSITIVE_INFINITY)
        expect(inForce.default_overlap).toBeLessThanOrEqual(inForce.max_overlap)
      }),
    )
  })

  it('are those of the design where nobody has set any', () => {
    expect(publicPolicy(effectivePolicy({}))).toEqual(defaultPolicy)
  })

  it('list every reminder threshold once, the longest first', () => {
    const { reminder_thresholds } = effectivePolicy(
      { reminder_thresholds: [day, 30 * day] },
      { reminder_thresholds: [60 * day, day] },
    )
    expect(reminder_thresholds).toEqual([60 * day, 30 * day, day])
  })
})

describe('a project that sets a rule', () => {
  const organization = {
    default_lifetime: 90 * day,
    max_lifetime: 100 * day,
    max_active_keys: 10,
    default_overlap: 2 * day,
    max_overlap: 5 * day,
    rotate_every: 50 * day,
    review_every: 50 * day,
    idle_after: 50 * day,
    refuse_vague_names: true,
  }

  const looser: [keyof Policy, ProjectPolicyEdit][] = [
    ['default_lifetime', { default_lifetime: 91 * day }],
    ['max_lifetime', { max_lifetime: 101 * day }],
    ['allow_never_expires', { allow_never_expires: true }],
    ['max_active_keys', { max_active_keys: 11 }],
    ['default_overlap', { default_overlap: 3 * day }],
    ['max_overlap', { max_overlap: 6 * day }],
    ['rotate_every', { rotate_every: 51 * day }],
    ['review_every', { review_every: 51 * day }],
    ['idle_after', { idle_after: 51 * day }],
    ['refuse_vague_names', { refuse_vague_names: false }],
  ]
  it.each(looser)('looser than its organization is refused, and told which: %s', (field, edit) => {
    expect(() => editProjectPolicy(organization, {}, edit)).toThrow(
      expect.objectContaining({
        code: 'policy_looser_than_organization',
        facts: expect.objectContaining({ fields: [field] }),
      }),
    )
  })

  it('stricter gets it, and null takes it away again', () => {
    const own = editProjectPolicy(organization, {}, { max_active_keys: 5, name_pattern: 'x.*' })
    expect(own).toEqual({ max_active_keys: 5, name_pattern: 'x.*' })
    expect(effectivePolicy(organization, own).max_active_keys).toBe(5)
    expect(editProjectPolicy(organization, own, { max_active_keys: null })).toEqual({ name_pattern: 'x.*' })
  })
})

describe('an edit', () => {
  it('that would put a default above its maximum is refused', () => {
    for (const edit of [
      { default_lifetime: 800 * day },
      { max_lifetime: 100 * day },
      { default_overlap: 40 * day },
      { max_overlap: day },
    ]) {
      expect(
        codeOf(() => editOrganizationPolicy({}, edit)),
        JSON.stringify(edit),
      ).toBe('policy_is_inconsistent')
      expect(
        codeOf(() => editProjectPolicy({}, {}, edit)),
        JSON.stringify(edit),
      ).toBeDefined()
    }
  })

  it('that changes both together is accepted', () => {
    expect(editOrganizationPolicy({}, { default_lifetime: 50 * day, max_lifetime: 100 * day })).toEqual({
      default_lifetime: 50 * day,
      max_lifetime: 100 * day,
    })
  })

  it('of another rule is accepted even where an old policy is inconsistent', () => {
    const old = { default_lifetime: 800 * day, max_lifetime: 100 * day }
    expect(editOrganizationPolicy(old, { max_active_keys: 7 })).toEqual({ ...old, max_active_keys: 7 })
  })

  it('keeps every rule that it does not name', () => {
    fc.assert(
      fc.property(organizationRules, fc.integer({ min: 1, max: 100 }), (own, max_active_keys) => {
        expect(editOrganizationPolicy(own, { max_active_keys })).toEqual({ ...own, max_active_keys })
      }),
    )
  })
})
