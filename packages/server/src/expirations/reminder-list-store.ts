import type { ReminderState } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Reminder } from './reminder.ts'
import { toReminder } from './reminder-rows.ts'

export interface ReminderFilter {
  readonly state: ReminderState | null
  readonly keyId: string | null
  readonly recipient: string | null
}

/** Newest first. @param projects null: of all, and of none. @param hidden whose are left out */
export async function listReminders(
  reader: Reader,
  organizationId: string,
  { projects, hidden }: { readonly projects: readonly string[] | null; readonly hidden: string | null },
  { state, keyId, recipient }: ReminderFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Reminder[]> {
  let query = reader
    .selectFrom('reminders')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (projects !== null) query = query.where('project_id', '=', sql<string>`any(${[...projects]}::text[])`)
  if (hidden !== null) query = query.where(sql<boolean>`project_id is distinct from ${hidden}`)
  if (state !== null) query = query.where('state', '=', state)
  if (keyId !== null) query = query.where('key_id', '=', keyId)
  if (recipient !== null) query = query.where('recipient', '=', recipient)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return (await query.execute()).map(toReminder)
}

/** @param organizationId null: of any, for the root key */
export async function findReminder(
  reader: Reader,
  organizationId: string | null,
  id: string,
): Promise<Reminder | undefined> {
  let query = reader.selectFrom('reminders').selectAll().where('id', '=', id)
  if (organizationId !== null) query = query.where('organization_id', '=', organizationId)
  const row = await query.executeTakeFirst()
  return row && toReminder(row)
}

/** Of these secrets: what waits to be sent. */
export async function listWaiting(
  reader: Reader,
  organizationId: string,
  subjectIds: readonly string[],
): Promise<Reminder[]> {
  const rows = await reader
    .selectFrom('reminders')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('subject_id', '=', sql<string>`any(${[...subjectIds]}::text[])`)
    .where('state', '=', 'planned')
    .orderBy('send_at')
    .orderBy('id')
    .execute()
  return rows.map(toReminder)
}

/** @returns false where it is there already */
export async function insertAcknowledgement(
  tx: Tx,
  organizationId: string,
  acknowledgement: { readonly subjectId: string; readonly endsAt: Instant; readonly by: object; readonly at: Instant },
): Promise<boolean> {
  const row = await tx
    .insertInto('reminder_acknowledgements')
    .values({
      subject_id: acknowledgement.subjectId,
      ends_at: at(acknowledgement.endsAt),
      organization_id: organizationId,
      acknowledged_at: at(acknowledgement.at),
      acknowledged_by: JSON.stringify(acknowledgement.by),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('subject_id')
    .executeTakeFirst()
  return row !== undefined
}

/** What is not on its way yet. */
export async function quietReminders(
  tx: Tx,
  organizationId: string,
  about: {
    readonly subjectId: string
    readonly reason: Reminder['reason']
    readonly endsAt: Instant
    readonly thresholds: readonly number[]
  },
): Promise<void> {
  await tx
    .updateTable('reminders')
    .set({ state: 'quieted' })
    .where('organization_id', '=', organizationId)
    .where('subject_id', '=', about.subjectId)
    .where('reason', '=', about.reason)
    .where('ends_at', '=', at(about.endsAt))
    .where('threshold_seconds', '=', sql<number>`any(${[...about.thresholds]}::bigint[])`)
    .where('state', '=', 'planned')
    .where('mail_id', 'is', null)
    .execute()
}
