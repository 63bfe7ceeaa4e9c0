import type { ErrorCode, KeyStatus } from '@keyturn/contract'
import { type Instant, never } from '../kernel/instant.ts'
import type { Key, SecretRecord } from './key.ts'
import { endOf, isLive } from './secret.ts'

type Ends = Pick<Key, 'firstEndAt' | 'lastEndAt'>

/** What people see. States that somebody set come before what the clock says. A deleted key is not seen at all. */
export function statusAt(key: Pick<Key, 'state'> & Ends, now: Instant): KeyStatus {
  if (key.state === 'revoked' || key.state === 'deleted') return 'revoked'
  if (key.state === 'disabled') return 'disabled'
  return key.lastEndAt > now ? 'active' : 'expired'
}

/** The next end still to come, else the last. Lists sort by it. */
export function nextExpiryAt(key: Ends, now: Instant): Instant {
  return key.firstEndAt > now ? key.firstEndAt : key.lastEndAt
}

/** Counted against the limit: neither revoked nor deleted nor expired. A disabled key counts, a second slot does not. */
export function countsAgainstLimit(key: Pick<Key, 'state'> & Ends, now: Instant): boolean {
  return (key.state === 'active' || key.state === 'disabled') && key.lastEndAt > now
}

/**
 * Is a live secret inside the longest reminder threshold that applies to it? One that is longer than a third of the secret's
 * life does not: it would announce the end of a key that has hardly begun.
 *
 * @param thresholds seconds before the end
 */
export function isExpiring(secrets: readonly SecretRecord[], thresholds: readonly number[], now: Instant): boolean {
  return secrets.some((secret) => {
    const end = endOf(secret)
    if (!isLive(secret, now) || end === never) return false
    const thirdOfLife = (end - secret.createdAt) / 3000
    return end - now <= 1000 * Math.max(0, ...thresholds.filter((threshold) => threshold <= thirdOfLife))
  })
}

/** Revoked is for ever: nothing changes such a key but deleting it. */
export function refuseToChange(key: Pick<Key, 'state'>): ErrorCode | undefined {
  return key.state === 'revoked' ? 'key_revoked' : undefined
}

/** A legacy key may not be disabled, revoked or deleted: the project that it identifies would go dark. */
export function refuseToDisable(key: Pick<Key, 'state' | 'legacy'>): ErrorCode | undefined {
  return refuseToChange(key) ?? (key.legacy ? 'legacy_key_cannot_be_disabled' : undefined)
}

export function refuseToRevoke(key: Pick<Key, 'legacy'>): ErrorCode | undefined {
  return key.legacy ? 'legacy_key_cannot_be_revoked' : undefined
}

export function refuseToDelete(key: Pick<Key, 'legacy'>): ErrorCode | undefined {
  return key.legacy ? 'legacy_key_cannot_be_deleted' : undefined
}
