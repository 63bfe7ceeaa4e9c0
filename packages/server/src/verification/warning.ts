import { lastThresholds } from '../expirations/thresholds.ts'
import { formatInstant, type Instant, never } from '../kernel/instant.ts'
import type { VerifyRecord } from './decide.ts'

interface Life {
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly retiresAt: Instant | null
  readonly overlapStartedAt: Instant | null
}

// So that keys which live a day or two have few distances among them: those that are equal are kept once for all (packed-records.ts).
const stepMs = 60_000

/**
 * How long before the end of a secret each verdict on it says so, in milliseconds: from the last but one of the thresholds that apply
 * on; where it ends because it was rotated, from the middle of its overlap on.
 *
 * @param thresholds of the policy, in seconds
 */
export function warnBefore(secret: Life, end: Instant, thresholds: readonly number[]): number {
  if (end === never) return 0
  const { createdAt, expiresAt, retiresAt, overlapStartedAt } = secret
  const isRetiring = retiresAt !== null && retiresAt < expiresAt
  const distance = isRetiring
    ? (end - (overlapStartedAt ?? createdAt)) / 2
    : 1000 * (lastThresholds(thresholds, createdAt, end)[0] ?? 0)
  return Math.floor(distance / stepMs) * stepMs
}

type Ending = Pick<VerifyRecord, 'end' | 'endCode' | 'warnBefore'> & Partial<Pick<VerifyRecord, 'kind'>>

/** For whoever sends calls with it, in ASCII: a header is made of it. Null: there is time. */
export function warningAt(record: Ending, now: Instant): string | null {
  const time = formatInstant(record.end)
  if (time === null || now < record.end - record.warnBefore || now >= record.end) return null
  return record.endCode === 'ROTATED'
    ? `This secret was replaced and ends at ${time}. Change to the new one before then.`
    : `This key expires at ${time}. Ask its owner to rotate${record.kind === 'jwt' ? '' : ' or extend'} it before then.`
}

/** Until when `warningAt` says what it says now; never: for as long as the secret lives. */
export function warningHoldsUntil(record: Ending, now: Instant): Instant {
  const from = record.end - record.warnBefore
  return now < from ? from : never
}
