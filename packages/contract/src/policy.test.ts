import { describe, expect, it } from 'vitest'
import { defaultPolicy, organizationPolicyEdit, policySchema, projectPolicyEdit } from './policy.ts'

describe('the policy', () => {
  it('that holds where nobody has set anything is one that could be set', () => {
    expect(policySchema.parse(defaultPolicy)).toEqual(defaultPolicy)
  })

  it('is edited field by field, and a field that it does not have is refused', () => {
    expect(organizationPolicyEdit.parse({ max_active_keys: 10 })).toEqual({ max_active_keys: 10 })
    expect(organizationPolicyEdit.safeParse({ max_keys: 10 }).success).toBe(false)
    expect(projectPolicyEdit.safeParse({ max_keys: 10 }).success).toBe(false)
  })

  it('of a project can have each of its own rules taken away by null', () => {
    for (const field of Object.keys(defaultPolicy))
      expect(projectPolicyEdit.safeParse({ [field]: null }).success, field).toBe(true)
  })
})

describe('a naming rule', () => {
  const isAccepted = (pattern: string) => organizationPolicyEdit.safeParse({ name_pattern: pattern }).success

  it('is a regular expression', () => {
    for (const pattern of ['[a-z]+-(?:prod|test)', '\\p{Lu}.*', 'a|b', '(?<team>[a-z]+)/.+'])
      expect(isAccepted(pattern), pattern).toBe(true)
    for (const pattern of ['', '(', '[z-a]', '\\q', 'x'.repeat(201)]) expect(isAccepted(pattern), pattern).toBe(false)
  })

  it('cannot close the brackets that make it match the whole name', () => {
    for (const pattern of ['a)|(?:b', 'a)(?:', ')|(']) expect(isAccepted(pattern), pattern).toBe(false)
  })
})
