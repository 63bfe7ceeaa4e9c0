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

/**
 * Does the whole name match? Patterns come from administrators, and some take for ever on some names: after 50 ms the answer is
 * no. (The timeout of `vm` also stops a regular expression in the midst of its search.)
 */
function matchesPattern(name: string, pattern: string): boolean {
  try {
    const context = vm.createContext({ name, pattern })
    return vm.runInContext("new RegExp('^(?:' + pattern + ')$', 'u').test(name)", context, { timeout: 50 }) === true
  } catch {
    return false
  }
}
