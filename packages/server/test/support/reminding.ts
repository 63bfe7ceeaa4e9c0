import { sql } from 'kysely'
import { alertCallsAfterEnd } from '../../src/expirations/alert-calls.ts'
import { planReminders } from '../../src/expirations/plan-reminders.ts'
import { mailStillHolds, sendDigests } from '../../src/expirations/send-digests.ts'
import { settleReminders } from '../../src/expirations/settle-reminders.ts'
import { tendReminders } from '../../src/expirations/tend-reminders.ts'
import { MailSender } from '../../src/notifications/mail-sender.ts'
import { openSmtpMailer } from '../../src/notifications/smtp-mailer.ts'
import type { Keyturn } from './keyturn.ts'
import type { Mailbox, ReceivedMail } from './mailbox.ts'

const day = 86_400_000

/** Does by hand what a node does every minute and every five seconds, so that a test says when. */
export class Reminding {
  readonly #keyturn: Keyturn
  readonly #mailbox: Mailbox
  readonly #publicUrl = 'https://keys.example.com'

  constructor(keyturn: Keyturn, mailbox: Mailbox) {
    this.#keyturn = keyturn
    this.#mailbox = mailbox
  }

  get now(): number {
    return this.#keyturn.clock.now()
  }

  /** All that a node does about reminders, once. @returns the mails that came of it */
  async tend(): Promise<readonly ReceivedMail[]> {
    const before = this.#mailbox.mails.length
    const { ground, masterKey } = this.#keyturn
    await tendReminders(ground, { masterKey, publicUrl: this.#publicUrl })
    await this.send()
    return this.#mailbox.mails.slice(before)
  }

  /** The same without notices and lists for review. */
  async remind(): Promise<readonly ReceivedMail[]> {
    const before = this.#mailbox.mails.length
    const { ground, masterKey } = this.#keyturn
    await planReminders(ground)
    await alertCallsAfterEnd(ground)
    await sendDigests(ground, { masterKey, publicUrl: this.#publicUrl })
    await this.send()
    return this.#mailbox.mails.slice(before)
  }

  async send(): Promise<void> {
    const { ground } = this.#keyturn
    const mailer = openSmtpMailer(this.#mailbox.url, 'Keyturn <keys@globex.example>', 1_000)
    const follower = { stillHolds: (mail: never) => mailStillHolds(ground, mail), settled: settleReminders }
    await new MailSender({ ground, mailer, follower }).sendDue()
    // The server has a sender of its own, which may have been quicker.
    for (;;) {
      const leased = sql<{
        count: number
      }>`select count(*) as count from mails where state = 'queued' and leased_until is not null`
      if ((await leased.execute(ground.reader)).rows[0]?.count === 0) return
    }
  }

  /** To a time of day in UTC, today or tomorrow, whichever comes next. */
  moveTo(hour: number, minute = 0): void {
    const today = Math.floor(this.now / day) * day + (hour * 60 + minute) * 60_000
    this.#keyturn.clock.advance((today > this.now ? today : today + day) - this.now)
  }

  /** To a moment; never back. */
  moveUntil(moment: number): void {
    this.#keyturn.clock.advance(Math.max(0, moment - this.now))
  }

  pass(milliseconds: number): void {
    this.#keyturn.clock.advance(milliseconds)
  }
}
