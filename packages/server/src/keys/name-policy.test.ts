import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { refuseName } from './name-policy.ts'

function refusal(name: string, namePatterns: string[], refuseVagueNames = false): string | undefined {
  try {
    refuseName(name, { namePatterns, refuse_vague_names: refuseVagueNames })
    return undefined
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

describe('a naming rule', () => {
  it('is matched by the whole name', () => {
    expect(refusal('team-billing', ['team-[a-z]+'])).toBeUndefined()
    for (const name of ['my team-billing', 'team-billing 2', 'team-billing\nteam-x', 'Team-billing', ''])
      expect(refusal(name, ['team-[a-z]+']), name).toBe('name_does_not_match_policy')
  })

  it('of alternatives binds each of them at both ends', () => {
    expect(refusal('b', ['a|b'])).toBeUndefined()
    expect(refusal('ax', ['a|b'])).toBe('name_does_not_match_policy')
    expect(refusal('xb', ['a|b'])).toBe('name_does_not_match_policy')
  })

  it('knows other alphabets', () => {
    expect(refusal('Rückgabe 🔑', ['\\p{Lu}\\p{L}+ .'])).toBeUndefined()
  })

  it('of the organization and one of the project are both matched', () => {
    expect(refusal('team-billing-prod', ['team-.*', '.*-prod'])).toBeUndefined()
    expect(refusal('team-billing', ['team-.*', '.*-prod'])).toBe('name_does_not_match_policy')
    expect(refusal('billing-prod', ['team-.*', '.*-prod'])).toBe('name_does_not_match_policy')
  })

  it.each([
    ['nested repetition', '(a+)+b'],
    ['alternatives that overlap', '(a|a)*b'],
    ['a backreference', '(a*)*\\1b'],
    ['many stars', '.*.*.*.*.*.*.*.*.*.*b!'],
  ])('that takes for ever ends soon, and its name is refused: %s', (_, pattern) => {
    const startedAt = performance.now()
    expect(refusal('a'.repeat(200), [pattern])).toBe('name_does_not_match_policy')
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  it('reaches nothing of the process that runs it', () => {
    expect(refusal("x'); process.exit(); ('", ['.*'])).toBeUndefined()
    expect(refusal('x', ["y')[(]globalThis.process = 1[)];//"])).toBe('name_does_not_match_policy')
  })
})

describe('vague names', () => {
  it('are refused only where the policy says so', () => {
    expect(refusal('key1', [])).toBeUndefined()
    expect(refusal('key1', [], true)).toBe('name_is_vague')
    expect(refusal('Zapier', [], true)).toBeUndefined()
  })
})
