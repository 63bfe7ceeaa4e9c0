import type { MailState } from '@keyturn/contract'
import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { MailRecord, MailWithText } from './mail.ts'

const columns = [
  'id',
  'organization_id',
  'recipient',
  'subject',
  'about',
  'message_id',
  'state',
  'attempts',
  'queued_at',
  'next_attempt_at',
  'last_error',
  'created_at',
  'sent_at',
] as const satisfies (keyof Schema['mails'])[]

type Row = Pick<Selectable<Schema['mails']>, (typeof columns)[number]>

const toMail = (row: Row): MailRecord => ({
  id: row.id,
  organizationId: row.organization_id,
  recipient: row.recipient,
  subject: row.subject,
  about: row.about,
  messageId: row.message_id,
  state: row.state,
  attempts: row.attempts,
  queuedAt: row.queued_at,
  nextAttemptAt: row.next_attempt_at,
  lastError: row.last_error,
  createdAt: row.created_at,
  sentAt: row.sent_at,
})

const withText = (row: Row & { text: string; html: string | null }): MailWithText => ({
  ...toMail(row),
  text: row.text,
  html: row.html,
})

export async function insertMail(tx: Tx, organizationId: string, mail: MailWithText): Promise<void> {
  await tx
    .insertInto('mails')
    .values({
      id: mail.id,
      organization_id: organizationId,
      recipient: mail.recipient,
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      message_id: mail.messageId,
      about: mail.about,
      state: mail.state,
      queued_at: at(mail.queuedAt),
      next_attempt_at: at(mail.nextAttemptAt),
      created_at: at(mail.createdAt),
    })
    .execute()
}

/** Newest first. */
export async function listMails(
  reader: Reader,
  organizationId: string,
  page: { readonly state: MailState | null; readonly before: string | null; readonly limit: number },
): Promise<MailRecord[]> {
  let query = reader
    .selectFrom('mails')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.state !== null) query = query.where('state', '=', page.state)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return (await query.execute()).map(toMail)
}

export async function findMail(reader: Reader, organizationId: string, id: string): Promise<MailWithText | undefined> {
  const row = await reader
    .selectFrom('mails')
    .select([...columns, 'text', 'html'])
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && withText(row)
}

/** From now on it is tried again, as if it were new; undefined where it is neither failed nor undelivered. */
export async function requeueMail(
  tx: Tx,
  organizationId: string,
  id: string,
  now: Instant,
): Promise<MailRecord | undefined> {
  const row = await tx
    .updateTable('mails')
    .set({ state: 'queued', attempts: 0, queued_at: at(now), next_attempt_at: at(now), leased_until: null })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('state', 'in', ['failed', 'not_delivered'])
    .returning(columns)
    .executeTakeFirst()
  return row && toMail(row)
}

/**
 * Takes mails that are due, of all organizations, the longest due first. They are nobody else's until `leasedUntil`: whoever took them
 * and died leaves them to others then.
 */
export async function claimMails(
  tx: Tx,
  { leasedUntil, limit, now }: { readonly leasedUntil: Instant; readonly limit: number; readonly now: Instant },
): Promise<MailWithText[]> {
  const due = await tx
    .selectFrom('mails')
    .select('id')
    .where('state', '=', 'queued')
    .where('next_attempt_at', '<=', at(now))
    .where((mail) => mail.or([mail('leased_until', 'is', null), mail('leased_until', '<=', at(now))]))
    .orderBy('next_attempt_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
  if (due.length === 0) return []
  const rows = await tx
    .updateTable('mails')
    .set({ leased_until: at(leasedUntil), attempts: sql`attempts + 1` })
    .where('id', '=', sql<string>`any(${due.map(({ id }) => id)}::text[])`)
    .returning([...columns, 'text', 'html'])
    .execute()
  return rows.map(withText)
}

/** What came of a claim. @returns false where it is no longer queued, or was queued anew since */
export async function settleMail(
  tx: Tx,
  mail: MailRecord,
  outcome: {
    readonly state: MailState
    readonly nextAttemptAt?: Instant
    readonly lastError: string | null
    readonly sentAt?: Instant
  },
): Promise<boolean> {
  const row = await tx
    .updateTable('mails')
    .set({
      state: outcome.state,
      leased_until: null,
      last_error: outcome.lastError,
      ...(outcome.nextAttemptAt === undefined ? {} : { next_attempt_at: at(outcome.nextAttemptAt) }),
      ...(outcome.sentAt === undefined ? {} : { sent_at: at(outcome.sentAt) }),
    })
    .where('organization_id', '=', mail.organizationId)
    .where('id', '=', mail.id)
    .where('state', '=', 'queued')
    .where('queued_at', '=', at(mail.queuedAt))
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
