import type { DeliveryState } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/**
 * One message to one webhook.
 *
 *   pending ──(2xx)──► delivered
 *      ▲  └─(three days without, 410, channel disabled)─► dead
 *      └──────────────(sent again by hand)─────────────────┘
 */
export interface Delivery {
  /** The `webhook-id`, of every attempt. */
  readonly id: string
  readonly organizationId: string
  readonly channelId: string
  readonly type: string
  readonly payload: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly nextAttemptAt: Instant
  readonly createdAt: Instant
  readonly finishedAt: Instant | null
  /** Newest first. */
  readonly log: readonly Attempt[]
}

export interface Attempt {
  readonly at: Instant
  readonly durationMs: number
  /** Null: there was no answer. */
  readonly status: number | null
  /** Null: it was taken. */
  readonly error: string | null
  /** The beginning of it. */
  readonly answer: string | null
}

/** To be put into the queue of a channel. */
export interface NewDelivery {
  readonly id: string
  readonly channelId: string
  readonly type: string
  /** Null: a test. */
  readonly eventSequence: number | null
  readonly payload: string
}

/** Somebody has taken it up, until the lease ends: another one takes it up then, and sends it with the same id. */
export interface LeasedDelivery {
  readonly id: string
  readonly organizationId: string
  readonly channelId: string
  readonly payload: string
  /** The number of this attempt, of all and since it was last given up. */
  readonly attempts: number
  readonly tries: number
}

/** What an answer looked like. */
export interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  /** The beginning of the body. */
  readonly text: string
}

/** One request, one answer, no redirects. Whatever goes wrong is an error whose message can be shown to whom the channel belongs. */
export type PostMessage = (
  url: string,
  message: { readonly body: string; readonly headers: Readonly<Record<string, string>> },
) => Promise<Answer>

const longestAnswer = 1_000

/** For the log: no longer than that, and nothing in it that no database keeps. */
export const excerptOf = (text: string): string =>
  [
    ...text
      .slice(0, 2 * longestAnswer)
      .replaceAll('\0', '\uFFFD')
      .toWellFormed(),
  ]
    .slice(0, longestAnswer)
    .join('')
