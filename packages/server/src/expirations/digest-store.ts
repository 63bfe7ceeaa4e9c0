import type { ReminderState } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Reminder } from './reminder.ts'
import { toReminder } from './reminder-rows.ts'

export interface DueDigest {
  readonly organizationId: string
  readonly recipient: string
}

/** For whom there is something to be sent by now. */
export async function listDueDigests(reader: Reader, now: Instant, limit: number): Promise<DueDigest[]> {
  return reader
    .selectFrom('reminders')
    .select(['organization_id as organizationId', 'recipient'])
    .distinct()
    .where('state', '=', 'planned')
    .where('mail_id', 'is', null)
    .where('send_at', '<=', at(now))
    .orderBy('organization_id')
    .orderBy('recipient')
    .limit(limit)
    .execute()
}

export async function lockDueReminders(
  tx: Tx,
  { organizationId, recipient }: DueDigest,
  limit: number,
  now: Instant,
): Promise<Reminder[]> {
  const rows = await tx
    .selectFrom('reminders')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('recipient', '=', recipient)
    .where('state', '=', 'planned')
    .where('mail_id', 'is', null)
    .where('send_at', '<=', at(now))
    .orderBy('ends_at')
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .execute()
  return rows.map(toReminder)
}

export async function listRemindersOfMail(reader: Reader, organizationId: string, mailId: string): Promise<Reminder[]> {
  const rows = await reader
    .selectFrom('reminders')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('mail_id', '=', mailId)
    .where('state', '=', 'planned')
    .execute()
  return rows.map(toReminder)
}

export async function putIntoMail(
  tx: Tx,
  organizationId: string,
  ids: readonly string[],
  mailId: string,
): Promise<void> {
  await tx
    .updateTable('reminders')
    .set({ mail_id: mailId })
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .execute()
}

export async function setStates(
  tx: Tx,
  organizationId: string,
  ids: readonly string[],
  state: ReminderState,
): Promise<void> {
  if (ids.length === 0) return
  await tx
    .updateTable('reminders')
    .set({ state })
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .where('state', '=', 'planned')
    .execute()
}
