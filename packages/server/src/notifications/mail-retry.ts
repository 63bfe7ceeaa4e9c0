import type { Instant } from '../kernel/instant.ts'

const minute = 60_000
const hour = 60 * minute

/** Until the next attempt, after the first failure, the second …; the last one for all that follow. */
const pauses = [minute, 5 * minute, 30 * minute, 2 * hour, 6 * hour, 12 * hour, 24 * hour] as const
const lastPause = 24 * hour

// Mailboxes that are full over a weekend get it on Monday.
export const giveUpAfterMs = 72 * hour

export interface FailedAttempt {
  /** Refused by the server that the mail is for: no repetition helps. */
  readonly forGood: boolean
}

/**
 * When a mail is tried again. Null: never.
 *
 * @param attempts how many there were, this one included
 * @param queuedAt since when it is tried
 */
export function nextAttempt(
  { forGood }: FailedAttempt,
  attempts: number,
  queuedAt: Instant,
  now: Instant,
): Instant | null {
  const until = queuedAt + giveUpAfterMs
  if (forGood || now >= until) return null
  return Math.min(now + (pauses[attempts - 1] ?? lastPause), until)
}

export interface Failure extends FailedAttempt {
  /** A line for people. */
  readonly reason: string
  /** The server could not be asked at all: the next mail would not fare better just now. */
  readonly unreachable: boolean
}

const longestReason = 500

/** What nodemailer throws, sorted. Only what the server says of this mail or its recipient is for good (RFC 5321 §4.2.1). */
export function toFailure(error: unknown): Failure {
  const { message, responseCode, command } = factsOf(error)
  const aboutThisMail = command === 'RCPT TO' || command === 'DATA'
  return {
    forGood: aboutThisMail && responseCode !== null && responseCode >= 500,
    unreachable: responseCode === null,
    reason: message.replace(/\s+/g, ' ').trim().slice(0, longestReason) || 'the SMTP server could not be asked',
  }
}

function factsOf(error: unknown): { message: string; responseCode: number | null; command: string | null } {
  const message = error instanceof Error ? error.message : String(error)
  const facts: object = error instanceof Error ? error : {}
  const responseCode = 'responseCode' in facts && typeof facts.responseCode === 'number' ? facts.responseCode : null
  const command = 'command' in facts && typeof facts.command === 'string' ? facts.command : null
  return { message, responseCode, command }
}
