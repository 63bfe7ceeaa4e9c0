import vm from 'node:vm'
import { DomainError } from '../kernel/errors.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import { isVague } from './name-advice.ts'

/** @throws DomainError name_does_not_match_policy, name_is_vague */
export function refuseName(name: string, policy: Pick<EffectivePolicy, 'namePatterns' | 'refuse_vague_names'>): void {
  const pattern = policy.namePatterns.find((candidate) => !matchesPattern(name, candidate))
  if (pattern !== undefined) throw new DomainError('name_does_not_match_policy', { name_pattern: pattern })
  if (policy.refuse_vague_names && isVague(name)) throw new DomainError('name_is_vague')
}

const matchesPattern = (name: string, pattern: string): boolean => matchNames([name], pattern).has(name)

/**
 * Which of these names match as a whole? Patterns come from administrators, and some take for ever on some names: what was not found to
 * match after 50 ms for all of them does not. (The timeout of `vm` also stops a regular expression in the midst of its search.)
 */
export function matchNames(names: readonly string[], pattern: string): Set<string> {
  const matched: string[] = []
  try {
    const context = vm.createContext({ names, pattern, found: (name: string) => void matched.push(name) })
    vm.runInContext(matchEach, context, { timeout: 50 })
  } catch {
    // Those that were found by then were found.
  }
  return new Set(matched)
}

const matchEach = `{
  const whole = new RegExp('^(?:' + pattern + ')$', 'u')
  for (const name of names) if (whole.test(name)) found(name)
}`
