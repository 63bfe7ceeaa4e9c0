import type { Actor } from '@keyturn/contract'
import type { Clock } from '../kernel/clock.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { randomFraction } from '../kernel/random.ts'
import type { Ground } from '../people/call.ts'
import { announceEvents } from './announce-events.ts'
import { findTarget, lockChannel, updateChannel } from './channel-store.ts'
import { type Answer, type Attempt, excerptOf, type LeasedDelivery, type PostMessage } from './delivery.ts'
import { buryPending, countDead, type Ending, finishAttempt, leaseDue } from './delivery-store.ts'
import { recordChannel } from './manage-channels.ts'
import { nextAttemptAt, parseRetryAfter } from './retry-schedule.ts'
import { signMessage } from './signing-secret.ts'

/** What of an attempt is counted. */
export const outcomes = ['delivered', 'failed', 'dead'] as const
export type Outcome = (typeof outcomes)[number]

export interface SenderParts {
  readonly ground: Ground
  readonly clock: Clock
  readonly masterKey: MasterKey
  readonly post: PostMessage
  /** Where others reach this installation, without a slash at the end. */
  readonly publicUrl: string
  /** Of what is no receiver's fault: it is tried again. */
  readonly onTrouble: (error: unknown) => void
}

// A receiver that is slow occupies as many places as this, of all nodes together; the others go on.
const mostPerChannel = 4
const mostAtOnce = 200
// Longer than an attempt can take: whoever finds a lease over knows that nobody is at it any more.
const leaseMs = 60_000

// With very many organizations a look is no trifle: it may take a twentieth of the time, and nobody waits longer than that for it.
const cheapLookMs = 20
const restAfterLook = 20
const longestRestMs = 10_000

const system: Actor = { type: 'system', id: null, name: 'Keyturn' }
const origin = { caller: { actor: system }, address: null, requestId: null }

/**
 * Sends what waits for webhooks. Any number of nodes do it at once: each takes up what nobody else has, posts outside of any transaction, and
 * marks it then. One that dies in between leaves a lease that ends, and the message is sent again under the same id: at least once.
 */
export class DeliverySender {
  readonly #parts: SenderParts
  readonly #underWay = new Set<Promise<void>>()
  readonly #counts: Record<Outcome, number> = { delivered: 0, failed: 0, dead: 0 }
  #taking: Promise<void> | null = null
  #again = false
  #stopped = false
  #lookAgainAt = 0

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  /** Attempts of this process by how they ended. */
  get counts(): Readonly<Record<Outcome, number>> {
    return this.#counts
  }

  /** Dead letters there are, of all organizations. */
  countDead(): Promise<number> {
    return countDead(this.#parts.ground.reader)
  }

  /** Looks at the trail, takes up what is due, and does not wait until it has arrived. */
  async run(): Promise<void> {
    await this.#announce()
    await this.#take()
  }

  /** Where nothing was to be told, the next look at the trails of all organizations waits for as long as this one was costly. */
  async #announce(): Promise<void> {
    const { ground, clock, publicUrl } = this.#parts
    const begun = clock.monotonic()
    if (begun < this.#lookAgainAt) return
    const told = await announceEvents(ground, publicUrl)
    const tookMs = clock.monotonic() - begun
    if (told === 0 && tookMs > cheapLookMs) this.#lookAgainAt = begun + Math.min(restAfterLook * tookMs, longestRestMs)
  }

  /** Until nothing that this process took up is under way. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0 || this.#taking !== null) {
      await this.#taking
      await Promise.all(this.#underWay)
    }
  }

  /** Takes nothing up any more, and waits for what is under way: at most as long as an attempt takes. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.settle()
  }

  /** One at a time; whoever asks meanwhile has it looked once more. */
  async #take(): Promise<void> {
    this.#again = true
    this.#taking ??= this.#takeWhileAsked().finally(() => {
      this.#taking = null
    })
    await this.#taking
  }

  async #takeWhileAsked(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      const inAll = mostAtOnce - this.#underWay.size
      if (inAll <= 0) return
      const { ground } = this.#parts
      const leased = await ground.change(async (tx) => {
        const now = await ground.now(tx)
        return leaseDue(tx, now, now + leaseMs, { perChannel: mostPerChannel, inAll })
      })
      for (const delivery of leased) this.#start(delivery)
    }
  }

  #start(delivery: LeasedDelivery): void {
    const sending = this.#send(delivery)
      .catch((error: unknown) => this.#parts.onTrouble(error))
      .finally(() => this.#underWay.delete(sending))
      // Its place is free for the next one.
      .then(() => (this.#stopped ? undefined : this.#take()))
      .catch((error: unknown) => this.#parts.onTrouble(error))
    this.#underWay.add(sending)
  }

  async #send(delivery: LeasedDelivery): Promise<void> {
    const { ground, clock, masterKey, post } = this.#parts
    const target = await findTarget(ground.reader, delivery.organizationId, delivery.channelId)
    // Disabled or deleted since: what waited for it was given up with it.
    if (!target) return
    const at = await ground.now(ground.reader)
    const begun = clock.monotonic()
    const message = signMessage(masterKey, delivery, target.secrets, at)
    const answered = await answerOf(() => post(target.url, message))
    const attempt: Attempt = {
      at,
      durationMs: Math.round(clock.monotonic() - begun),
      status: answered.answer?.status ?? null,
      error: answered.error,
      answer: answered.answer && excerptOf(answered.answer.text),
    }
    await this.#finish(delivery, attempt, answered.answer)
  }

  async #finish(delivery: LeasedDelivery, attempt: Attempt, answer: Answer | null): Promise<void> {
    const { ground } = this.#parts
    const { organizationId, channelId, tries } = delivery
    const outcome = await ground.change(async (tx): Promise<Outcome | null> => {
      const isGone = attempt.error !== null && answer?.status === 410
      const channel = isGone ? await lockChannel(tx, organizationId, channelId) : undefined
      const now = await ground.now(tx)
      const retryAfter = parseRetryAfter(answer?.retryAfter ?? null, now)
      const next = isGone ? null : nextAttemptAt(tries, now, retryAfter, randomFraction())
      const ending: Ending =
        attempt.error === null
          ? { state: 'delivered' }
          : next === null
            ? { state: 'dead' }
            : { state: 'pending', nextAttemptAt: next }
      if (!(await finishAttempt(tx, delivery, attempt, ending, now))) return null
      if (channel?.enabled) {
        await updateChannel(tx, organizationId, { ...channel, enabled: false, disabledReason: 'receiver_gone' })
        await buryPending(tx, organizationId, channelId, now, 'the channel was disabled: its receiver answered 410')
        const details = { before: { enabled: true }, after: { enabled: false, reason: 'receiver_gone' } }
        await recordChannel(tx, origin, now, channel, 'channel.disabled', details)
      }
      return ending.state === 'pending' ? 'failed' : ending.state
    })
    if (outcome !== null) this.#counts[outcome]++
  }
}

/** 2xx is success, and nothing else is: redirects lead to where nobody has looked (RFC 9110 §15.3). */
async function answerOf(
  post: () => Promise<Answer>,
): Promise<{ readonly answer: Answer | null; readonly error: string | null }> {
  try {
    const answer = await post()
    const { status } = answer
    if (status >= 200 && status < 300) return { answer, error: null }
    const error = status >= 300 && status < 400 ? `${status} is a redirect, and none is followed` : `answered ${status}`
    return { answer, error }
  } catch (error) {
    return { answer: null, error: error instanceof Error ? error.message : String(error) }
  }
}
