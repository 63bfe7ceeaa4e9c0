import type { KeyKind } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant, never, parseInstant, seconds } from '../kernel/instant.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'

export interface WantedEnd {
  readonly expires_at?: string | undefined
  readonly expires_in?: number | undefined
  readonly never_expires?: true | undefined
}

type LifetimeRules = Pick<EffectivePolicy, 'default_lifetime' | 'max_lifetime' | 'allow_never_expires'>

/**
 * When a new secret ends: as wanted, else after the policy's default lifetime.
 *
 * @throws DomainError expires_in_the_past, max_lifetime_exceeded (with the latest possible time), never_expires_not_allowed
 */
export function endOfNewSecret(wanted: WantedEnd, policy: LifetimeRules, now: Instant): Instant {
  if (wanted.never_expires) {
    if (!policy.allow_never_expires) throw new DomainError('never_expires_not_allowed')
    return never
  }
  return boundedEnd(explicitEnd(wanted, now) ?? now + seconds(policy.default_lifetime), policy, now, now)
}

/** @throws DomainError expires_in_the_past, max_lifetime_exceeded */
export function boundedEnd(
  end: Instant,
  policy: Pick<LifetimeRules, 'max_lifetime'>,
  createdAt: Instant,
  now: Instant,
): Instant {
  if (end <= now) throw new DomainError('expires_in_the_past', { now: formatInstant(now) })
  const latest = policy.max_lifetime === null ? never : createdAt + seconds(policy.max_lifetime)
  if (end > latest) {
    throw new DomainError('max_lifetime_exceeded', { max_lifetime: policy.max_lifetime, latest: formatInstant(latest) })
  }
  return end
}

export function explicitEnd(wanted: WantedEnd, now: Instant): Instant | undefined {
  if (wanted.expires_at !== undefined) return parseInstant(wanted.expires_at)
  if (wanted.expires_in !== undefined) return now + seconds(wanted.expires_in)
  return undefined
}

/**
 * A token says its end in whole seconds (`exp`, RFC 7519 §2), and the record says the same moment: so all ends of a JWT key are cut to them,
 * which never lengthens a life.
 *
 * @throws DomainError expires_in_the_past where nothing is left of it
 */
export function asKeptBy(kind: KeyKind, end: Instant, now: Instant): Instant {
  if (kind !== 'jwt') return end
  const cut = seconds(Math.floor(end / 1000))
  if (cut <= now) throw new DomainError('expires_in_the_past', { now: formatInstant(now) })
  return cut
}
