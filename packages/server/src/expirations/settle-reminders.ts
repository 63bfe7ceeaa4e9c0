import type { Actor } from '@keyturn/contract'
import { recordChange } from '../audit/record-change.ts'
import type { Instant } from '../kernel/instant.ts'
import type { MailRecord } from '../notifications/mail.ts'
import type { SettledState } from '../notifications/mail-sender.ts'
import type { Tx } from '../storage/database.ts'
import { replanRemindersOf, settleRemindersOf } from './reminder-mail-store.ts'

export const keyturnActor: Actor = { type: 'system', id: null, name: 'Keyturn' }
export const bySystem = { caller: { actor: keyturnActor }, address: null, requestId: null } as const

// One mail may tell of very many; the reminders themselves are listed elsewhere.
const mostNamed = 1_000

/** What became of a mail became of its reminders, and is on record: one event for each mail that was sent or given up. */
export async function settleReminders(
  tx: Tx,
  mail: MailRecord,
  state: SettledState,
  now: Instant,
  reason: string | null,
): Promise<void> {
  if (mail.about !== 'reminders') return
  const settled = await settleRemindersOf(tx, mail.organizationId, mail.id, {
    state,
    failure: reason,
    sentAt: state === 'sent' ? now : null,
  })
  if (state !== 'sent' && state !== 'failed') return
  const subjects = [...new Set(settled.map(({ keyId, subjectId }) => keyId ?? subjectId))].toSorted()
  await recordChange(tx, bySystem, now, {
    action: state === 'sent' ? 'reminder.sent' : 'reminder.failed',
    organizationId: mail.organizationId,
    projectId: null,
    target: { type: 'mail', id: mail.id, name: mail.subject },
    before: null,
    after: {
      recipient: mail.recipient,
      message_id: mail.messageId,
      subjects: subjects.slice(0, mostNamed),
      reminders: settled.length,
      ...(reason === null ? {} : { reason }),
    },
    affects: null,
  })
}

/** A mail is tried again: what it tells of is not lost yet. */
export async function requeueReminders(tx: Tx, mail: MailRecord): Promise<void> {
  if (mail.about === 'reminders') await replanRemindersOf(tx, mail.organizationId, mail.id)
}
