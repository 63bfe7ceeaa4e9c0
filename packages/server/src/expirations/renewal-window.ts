import { sha256 } from '../kernel/digest.ts'
import { type Instant, never, seconds } from '../kernel/instant.ts'
import type { SecretRecord } from '../keys/key.ts'
import { endOf } from '../keys/secret.ts'
import type { Slots } from '../keys/slots.ts'
import type { Renewal } from '../organizations/organization.ts'

export interface RenewalWindow {
  readonly start: Instant
  readonly end: Instant
}

export interface RenewalAdvice {
  /** Null: the secret never ends, and nothing asks for another. */
  readonly window: RenewalWindow | null
  /** Where an administrator asks for it. */
  readonly reason: string | null
  readonly retryAfterSeconds: number
}

// However long a secret lives: within this, every holder has heard of an incident.
const longestRetrySeconds = 3600
const shortestRetrySeconds = 1

/**
 * When to renew a secret, in the manner of RFC 9773: from two thirds of its life on, so that a third is left for whatever goes
 * wrong. The start is spread over a twenty-fourth of the life and the window is as long: keys that were made together do not come
 * together, and each has the same window whenever it asks.
 *
 *   created ───────────────── 2/3 ─┬─ spread ─┬─ window ─┬──────── due
 *
 * @param secret the one that the holder came with, which is live
 * @param rotateEverySeconds of the policy: where that is earlier than the end, it is due then
 */
export function adviseRenewal(
  secret: SecretRecord,
  slots: Slots,
  rotateEverySeconds: number | null,
  renewal: Renewal | null,
): RenewalAdvice {
  // Whoever still holds the retiring one has missed the rotation, or lost its answer.
  if (slots.state === 'retiring' && slots.secondary.id === secret.id) {
    const [start, end] = [secret.overlapStartedAt ?? secret.createdAt, endOf(secret)]
    return { window: { start, end }, reason: null, retryAfterSeconds: retryAfter(end - start) }
  }
  const rotateBy = rotateEverySeconds === null ? never : secret.createdAt + seconds(rotateEverySeconds)
  const due = Math.min(endOf(secret), rotateBy)
  const regular = due === never ? null : windowWithin(secret, due)
  const isAsked = renewal !== null && secret.createdAt <= renewal.requestedAt
  const wanted = isAsked ? pullForward(regular, renewal) : regular
  return {
    window: wanted && afterOverlap(wanted, slots),
    reason: isAsked ? renewal.reason : null,
    retryAfterSeconds: retryAfter(due - secret.createdAt),
  }
}

function windowWithin({ id, createdAt }: SecretRecord, due: Instant): RenewalWindow {
  const part = (due - createdAt) / 24
  const start = Math.round(createdAt + 16 * part + spreadOf(id) * part)
  return { start, end: Math.ceil(start + part) }
}

/** From 0 to 1, evenly, and for a secret always the same. */
const spreadOf = (secretId: string): number => sha256(secretId).readUInt32BE() / 2 ** 32

function pullForward(regular: RenewalWindow | null, { requestedAt, renewBy }: Renewal): RenewalWindow {
  if (regular === null) return { start: requestedAt, end: renewBy }
  // One that had passed already stays where it was: it means now in any case.
  return {
    start: Math.min(regular.start, requestedAt),
    end: regular.end <= requestedAt ? regular.end : Math.min(regular.end, renewBy),
  }
}

/** While the one before retires there can be no third: nobody is sent to be refused. */
function afterOverlap(window: RenewalWindow, slots: Slots): RenewalWindow {
  if (slots.state !== 'retiring') return window
  const start = Math.max(window.start, endOf(slots.secondary))
  return { start, end: Math.max(window.end, start + seconds(shortestRetrySeconds)) }
}

/** Often enough to meet the window of even a short life, which is twice as long. */
function retryAfter(lifeMs: number): number {
  return Math.min(longestRetrySeconds, Math.max(shortestRetrySeconds, Math.floor(lifeMs / 48 / 1000)))
}
