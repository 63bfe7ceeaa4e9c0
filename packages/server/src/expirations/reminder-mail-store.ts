import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'

/** Reminders of a mail, as far as they were to go with it. @returns them with what they are of */
export async function settleRemindersOf(
  tx: Tx,
  organizationId: string,
  mailId: string,
  outcome: {
    readonly state: Schema['reminders']['state']
    readonly failure: string | null
    readonly sentAt: Instant | null
  },
): Promise<{ id: string; keyId: string | null; subjectId: string }[]> {
  return tx
    .updateTable('reminders')
    .set({
      state: outcome.state,
      failure: outcome.failure,
      sent_at: outcome.sentAt === null ? null : at(outcome.sentAt),
    })
    .where('organization_id', '=', organizationId)
    .where('mail_id', '=', mailId)
    .where('state', '=', 'planned')
    .returning(['id', 'key_id as keyId', 'subject_id as subjectId'])
    .execute()
}

/** They wait for their mail again. */
export async function replanRemindersOf(tx: Tx, organizationId: string, mailId: string): Promise<void> {
  await tx
    .updateTable('reminders')
    .set({ state: 'planned', failure: null })
    .where('organization_id', '=', organizationId)
    .where('mail_id', '=', mailId)
    .where('state', 'in', sql<'failed'>`('failed', 'not_delivered')`)
    .execute()
}
