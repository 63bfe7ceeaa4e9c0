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

const timeoutMs = 50
const mostTries = 5

const matchesPattern = (name: string, pattern: string): boolean => matchNames([name], pattern).has(name)

/**
 * Which of these names match as a whole? Patterns come from administrators, and some take for ever on some names: what was not found to
 * match after 50 ms for all of them does not. (The timeout of `vm` also stops a regular expression in the midst of its search.) It is a
 * timeout by the wall clock: on a busy machine it may pass while this process is kept waiting, and then the names are tried again.
 */
export function matchNames(names: readonly string[], pattern: string): Set<string> {
  const matched = new Set<string>()
  const context = vm.createContext({ names, pattern, found: (name: string) => void matched.add(name) })
  for (let tried = 0; tried < mostTries; tried++) {
    const before = process.threadCpuUsage()
    try {
      vm.runInContext(matchEach, context, { timeout: timeoutMs })
      break
    } catch (error) {
      const { user, system } = process.threadCpuUsage(before)
      const wasAtWork = user + system > (1000 * timeoutMs) / 2
      // Those that were found by then were found.
      if (wasAtWork || !isTimeout(error)) break
    }
  }
  return matched
}

const matchEach = `{
  const whole = new RegExp('^(?:' + pattern + ')$', 'u')
  for (const name of names) if (whole.test(name)) found(name)
}`

/** It is an Error of that context, and not one of ours. */
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
