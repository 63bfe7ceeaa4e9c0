import type { Instant } from '../kernel/instant.ts'
import type { Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import type { MailRecord, MailWithText } from './mail.ts'
import { type Failure, nextAttempt, toFailure } from './mail-retry.ts'
import { claimMails, settleMail } from './mail-store.ts'

export interface OutgoingMail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string | null
  readonly messageId: string
}

/** What a mail is about learns what becomes of it, in the transaction that writes it down. */
export interface MailFollower {
  /** May it go? Not if all that it says is no longer so. */
  stillHolds(mail: MailRecord): Promise<boolean>
  /** It came to its end: sent, failed, not delivered, or obsolete. */
  settled(tx: Tx, mail: MailRecord, state: SettledState, now: Instant, reason: string | null): Promise<void>
}
export type SettledState = 'sent' | 'failed' | 'not_delivered' | 'obsolete'

export interface SenderParts {
  readonly ground: Ground
  /** Null: no SMTP server is set up. */
  readonly mailer: { send(mail: OutgoingMail): Promise<void> } | null
  readonly follower: MailFollower
}

// Longer than all time-outs of one sending together: a mail is with two nodes at once only where one of them died.
const leaseMs = 5 * 60_000
const atOnce = 5

/**
 * Sends what is due. A mail is marked sent only after the SMTP server has taken it: a process that dies in between leaves it to be
 * sent once more, with the same Message-ID. Any number of nodes may do it at once.
 */
export class MailSender {
  readonly #parts: SenderParts
  #failures = 0
  #sent = 0
  #stopped = false

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  /** Of this process: mails that the SMTP server took, and attempts that failed. */
  get counts(): { readonly sent: number; readonly failures: number } {
    return { sent: this.#sent, failures: this.#failures }
  }

  /** What is under way comes to its end; nothing further is taken. */
  stop(): void {
    this.#stopped = true
  }

  /** Until nothing is due any more, or the server cannot be reached: then the others wait for the next time. */
  async sendDue(): Promise<void> {
    while (!this.#stopped) {
      const { claimed, now } = await this.#claim()
      const outcomes = await Promise.all(claimed.map((mail) => this.#deliver(mail, now)))
      if (claimed.length < atOnce || outcomes.includes('unreachable')) return
    }
  }

  #claim(): Promise<{ claimed: MailWithText[]; now: Instant }> {
    const { ground } = this.#parts
    return ground.change(async (tx) => {
      const now = await ground.now(tx)
      return { claimed: await claimMails(tx, { leasedUntil: now + leaseMs, limit: atOnce, now }), now }
    })
  }

  async #deliver(mail: MailWithText, claimedAt: Instant): Promise<'done' | 'unreachable'> {
    const { mailer, follower } = this.#parts
    if (!(await follower.stillHolds(mail))) return this.#settle(mail, 'obsolete', null)
    if (mailer === null) return this.#settle(mail, 'not_delivered', null)
    const { recipient: to, subject, text, html, messageId } = mail
    try {
      await mailer.send({ to, subject, text, html, messageId })
    } catch (error) {
      this.#failures++
      return this.#failed(mail, toFailure(error), claimedAt)
    }
    this.#sent++
    return this.#settle(mail, 'sent', null)
  }

  async #failed(mail: MailRecord, failure: Failure, claimedAt: Instant): Promise<'done' | 'unreachable'> {
    const { ground } = this.#parts
    const next = nextAttempt(failure, mail.attempts, mail.queuedAt, claimedAt)
    if (next === null) await this.#settle(mail, 'failed', failure.reason)
    else
      await ground.change((tx) =>
        settleMail(tx, mail, { state: 'queued', nextAttemptAt: next, lastError: failure.reason }),
      )
    return failure.unreachable ? 'unreachable' : 'done'
  }

  async #settle(mail: MailRecord, state: SettledState, reason: string | null): Promise<'done'> {
    const { ground, follower } = this.#parts
    await ground.change(async (tx) => {
      const now = await ground.now(tx)
      const sentAt = state === 'sent' ? { sentAt: now } : {}
      const settled = await settleMail(tx, mail, { state, lastError: reason, ...sentAt })
      if (settled) await follower.settled(tx, mail, state, now, reason)
    })
    return 'done'
  }
}
