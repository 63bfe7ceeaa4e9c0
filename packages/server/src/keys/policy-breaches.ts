import { type PolicyRule, policyRules } from '@keyturn/contract'
import { type Instant, seconds } from '../kernel/instant.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import { isVague } from './name-advice.ts'

/** What of a key a policy can be at odds with. */
export interface JudgedKey {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly legacy: boolean
  /** Of its live secrets. */
  readonly neverEnds: boolean
  readonly longestLifeSeconds: number | null
  readonly overlapSeconds: number | null
  readonly primaryMadeAt: Instant
}

/**
 * The rules that a key could not be made under, or, of `rotate_every`, that it would be behind. Keys that exist keep what they have; a
 * legacy key never expires whatever the policy.
 *
 * @param matches whether its name matches a pattern
 */
export function breachesOf(
  key: JudgedKey,
  policy: EffectivePolicy,
  now: Instant,
  matches: (name: string, pattern: string) => boolean,
): PolicyRule[] {
  const exceeds = (length: number | null, most: number | null) => length !== null && most !== null && length > most
  const breaks = {
    allow_never_expires: key.neverEnds && !key.legacy && !policy.allow_never_expires,
    max_lifetime: exceeds(key.longestLifeSeconds, policy.max_lifetime),
    max_overlap: exceeds(key.overlapSeconds, policy.max_overlap),
    name_pattern: !key.legacy && !policy.namePatterns.every((pattern) => matches(key.name, pattern)),
    refuse_vague_names: !key.legacy && policy.refuse_vague_names && isVague(key.name),
    rotate_every: policy.rotate_every !== null && key.primaryMadeAt + seconds(policy.rotate_every) <= now,
  } satisfies Record<PolicyRule, boolean>
  return policyRules.filter((rule) => breaks[rule])
}
