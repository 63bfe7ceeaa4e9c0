import type { ReminderReason } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at, instantText } from '../storage/driver-values.ts'
import type { Reminder } from './reminder.ts'

export async function findKeysOfSecrets(
  reader: Reader,
  organizationId: string,
  secretIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await reader
    .selectFrom('secrets')
    .select(['id', 'key_id'])
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...secretIds]}::text[])`)
    .execute()
  return new Map(rows.map(({ id, key_id }) => [id, key_id]))
}

/** What is due longest, of any organization; what another node is at is left to it. */
export async function claimDue(
  tx: Tx,
  limit: number,
  now: Instant,
): Promise<{ subjectId: string; organizationId: string }[]> {
  return (
    tx
      .selectFrom('reminder_progress')
      .select(['subject_id as subjectId', 'organization_id as organizationId'])
      .where('next_at', '<=', at(now))
      // As the index has it.
      .where(sql<boolean>`next_at < 'infinity'`)
      .orderBy('next_at')
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute()
  )
}

/** @param looks when to look at each again; null: never more */
export async function moveProgress(
  tx: Tx,
  looks: readonly { readonly subjectId: string; readonly nextAt: Instant | null }[],
): Promise<void> {
  const over = looks.filter(({ nextAt }) => nextAt === null).map(({ subjectId }) => subjectId)
  const moved = looks.flatMap(({ subjectId, nextAt }) => (nextAt === null ? [] : [{ subjectId, nextAt }]))
  if (over.length > 0) await sql`delete from reminder_progress where subject_id = any(${over}::text[])`.execute(tx)
  if (moved.length === 0) return
  await sql`
    update reminder_progress p set next_at = m.next_at
    from unnest(${moved.map(({ subjectId }) => subjectId)}::text[], ${moved.map(({ nextAt }) => instantText(nextAt))}::timestamptz[])
      as m (subject_id, next_at)
    where p.subject_id = m.subject_id`.execute(tx)
}

/** All of a part of an organization whose rules were changed is due. @returns whether there was one */
export async function sweepSome(tx: Tx, limit: number): Promise<boolean> {
  const sweep = await tx.selectFrom('reminder_sweeps').selectAll().limit(1).forUpdate().skipLocked().executeTakeFirst()
  if (!sweep) return false
  const { rows } = await sql<{ subject_id: string }>`
    with part as (
      select subject_id from reminder_progress
      where organization_id = ${sweep.organization_id} and subject_id > ${sweep.after_subject}::text collate "C"
      order by subject_id limit ${limit} for update
    )
    update reminder_progress p set next_at = '-infinity' from part where p.subject_id = part.subject_id
    returning p.subject_id`.execute(tx)
  const last = rows
    .map(({ subject_id }) => subject_id)
    .toSorted(byCode)
    .at(-1)
  if (last === undefined || rows.length < limit)
    await tx.deleteFrom('reminder_sweeps').where('organization_id', '=', sweep.organization_id).execute()
  else
    await tx
      .updateTable('reminder_sweeps')
      .set({ after_subject: last })
      .where('organization_id', '=', sweep.organization_id)
      .execute()
  return true
}

const byCode = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** The smallest threshold that was told of each date. */
export interface ToldRow {
  readonly subjectId: string
  readonly reason: ReminderReason
  readonly endsAt: Instant
  readonly threshold: number
  /** When that was found out. */
  readonly at: Instant
}

export async function listTold(
  reader: Reader,
  organizationId: string,
  subjectIds: readonly string[],
): Promise<ToldRow[]> {
  const { rows } = await sql<ToldRow>`
    select subject_id as "subjectId", reason, ends_at as "endsAt", min(threshold_seconds) as threshold, max(created_at) as at
    from reminders
    where organization_id = ${organizationId} and subject_id = any(${[...subjectIds]}::text[])
    group by 1, 2, 3`.execute(reader)
  return rows
}

/** Dates that somebody has acknowledged, as `subject end`. */
export async function listAcknowledged(
  reader: Reader,
  organizationId: string,
  subjectIds: readonly string[],
): Promise<{ subjectId: string; endsAt: Instant }[]> {
  return reader
    .selectFrom('reminder_acknowledgements')
    .select(['subject_id as subjectId', 'ends_at as endsAt'])
    .where('organization_id', '=', organizationId)
    .where('subject_id', '=', sql<string>`any(${[...subjectIds]}::text[])`)
    .execute()
}

/** One that is there already stays as it is: it was told. */
export async function insertReminders(tx: Tx, organizationId: string, reminders: readonly Reminder[]): Promise<void> {
  if (reminders.length === 0) return
  const column = <T>(read: (reminder: Reminder) => T) => reminders.map(read)
  const times = (read: (reminder: Reminder) => Instant) => column((reminder) => instantText(read(reminder)))
  await sql`
    insert into reminders (organization_id, id, project_id, key_id, subject_id, reason, ends_at, threshold_seconds, channel, recipient,
      state, urgent, failure, send_at, created_at)
    select ${organizationId}, * from unnest(
      ${column(({ id }) => id)}::text[], ${column(({ projectId }) => projectId)}::text[],
      ${column(({ keyId }) => keyId)}::text[], ${column(({ subjectId }) => subjectId)}::text[],
      ${column(({ reason }) => reason)}::text[], ${times(({ endsAt }) => endsAt)}::timestamptz[],
      ${column(({ threshold }) => threshold)}::bigint[], ${column(({ channel }) => channel)}::text[],
      ${column(({ recipient }) => recipient)}::text[], ${column(({ state }) => state)}::text[],
      ${column(({ urgent }) => urgent)}::boolean[], ${column(({ failure }) => failure)}::text[],
      ${times(({ sendAt }) => sendAt)}::timestamptz[], ${times(({ createdAt }) => createdAt)}::timestamptz[])
    on conflict on constraint reminders_are_told_once do nothing`.execute(tx)
}

/** Secrets that were called after their end since a time, and not told of since a time. */
export async function listCalledAfterEnd(
  reader: Reader,
  {
    refusedSince,
    toldBefore,
    limit,
  }: { readonly refusedSince: Instant; readonly toldBefore: Instant; readonly limit: number },
): Promise<{ subjectId: string; organizationId: string; lastRefusedAt: Instant }[]> {
  const { rows } = await sql<{ subjectId: string; organizationId: string; lastRefusedAt: Instant }>`
    select s.id as "subjectId", s.organization_id as "organizationId", a.last_refused_at as "lastRefusedAt"
    from secret_activity a
    join secrets s on s.id = a.secret_id
    join keys k on k.id = s.key_id
    where a.last_refused_at > '-infinity' and a.last_refused_at >= ${at(refusedSince)} and k.state in ('active', 'disabled')
      and least(s.expires_at, s.retires_at, s.ended_at) <= a.last_refused_at
      and not exists (
        select from reminders r where r.subject_id = s.id and r.reason = 'used_after_end'
          and (r.created_at > ${at(toldBefore)} or r.created_at >= a.last_refused_at))
    order by a.last_refused_at limit ${limit}`.execute(reader)
  return rows
}

/** Held until the end of the transaction; false: somebody else is at it. */
export async function tryLock(tx: Tx, name: string): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${`keyturn ${name}`}, 0)) as held`.execute(tx)
  return rows[0]?.held ?? false
}
