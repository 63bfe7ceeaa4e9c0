import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export interface StoredNotice {
  readonly id: string
  readonly recipient: string
  /** Of the audit event that it tells of. */
  readonly eventSequence: number
  readonly body: string
}

export async function insertNotices(
  tx: Tx,
  organizationId: string,
  notices: readonly StoredNotice[],
  now: Instant,
): Promise<void> {
  if (notices.length === 0) return
  await sql`
    insert into key_notices (organization_id, created_at, id, recipient, event_sequence, body)
    select ${organizationId}, ${at(now)}, * from unnest(
      ${notices.map(({ id }) => id)}::text[], ${notices.map(({ recipient }) => recipient)}::text[],
      ${notices.map(({ eventSequence }) => eventSequence)}::bigint[], ${notices.map(({ body }) => body)}::text[])
    on conflict do nothing`.execute(tx)
}

/** For whom something has waited since a time. */
export async function listWaitingFor(
  reader: Reader,
  since: Instant,
  limit: number,
): Promise<{ organizationId: string; recipient: string }[]> {
  return reader
    .selectFrom('key_notices')
    .select(['organization_id as organizationId', 'recipient'])
    .distinct()
    .where('created_at', '<=', at(since))
    .limit(limit)
    .execute()
}

/** In the order in which it happened. They are gone: whoever takes them tells of them in the same transaction. */
export async function takeNotices(
  tx: Tx,
  organizationId: string,
  recipient: string,
  limit: number,
): Promise<StoredNotice[]> {
  const { rows } = await sql<StoredNotice>`
    with taken as (
      delete from key_notices where id in (
        select id from key_notices where organization_id = ${organizationId} and recipient = ${recipient}
        order by event_sequence limit ${limit} for update skip locked)
      returning id, recipient, event_sequence as "eventSequence", body
    ) select * from taken order by "eventSequence"`.execute(tx)
  return rows
}
