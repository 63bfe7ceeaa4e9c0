import { type Selectable, sql } from 'kysely'
import { formatTime, type Instant, parseInstant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { Attempt, Delivery, LeasedDelivery, NewDelivery } from './delivery.ts'

const columns = [
  'id',
  'organization_id',
  'channel_id',
  'type',
  'payload',
  'state',
  'attempts',
  'next_attempt_at',
  'created_at',
  'finished_at',
  'log',
] as const satisfies (keyof Schema['deliveries'])[]

const toDelivery = (row: Pick<Selectable<Schema['deliveries']>, (typeof columns)[number]>): Delivery => ({
  id: row.id,
  organizationId: row.organization_id,
  channelId: row.channel_id,
  type: row.type,
  payload: row.payload,
  state: row.state,
  attempts: row.attempts,
  nextAttemptAt: row.next_attempt_at,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
  log: row.log.map((attempt) => ({
    at: parseInstant(attempt.at),
    durationMs: attempt.duration_ms,
    status: attempt.status,
    error: attempt.error,
    answer: attempt.answer,
  })),
})

// PostgreSQL takes 65,535 parameters in a statement.
const rowsAtOnce = 1_000

/** Due at once. */
export async function insertDeliveries(
  tx: Tx,
  organizationId: string,
  deliveries: readonly NewDelivery[],
  now: Instant,
): Promise<void> {
  for (let from = 0; from < deliveries.length; from += rowsAtOnce) {
    const rows = deliveries.slice(from, from + rowsAtOnce).map((delivery) => ({
      id: delivery.id,
      organization_id: organizationId,
      channel_id: delivery.channelId,
      type: delivery.type,
      event_sequence: delivery.eventSequence,
      payload: delivery.payload,
      next_attempt_at: at(now),
      created_at: at(now),
    }))
    await tx.insertInto('deliveries').values(rows).execute()
  }
}

export async function findDelivery(
  reader: Reader,
  organizationId: string,
  channelId: string,
  id: string,
): Promise<Delivery | undefined> {
  const row = await reader
    .selectFrom('deliveries')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('channel_id', '=', channelId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toDelivery(row)
}

/** Newest first. */
export async function listDeliveries(
  reader: Reader,
  organizationId: string,
  channelId: string,
  page: { state: Delivery['state'] | undefined; before: string | null; limit: number },
): Promise<Delivery[]> {
  let query = reader
    .selectFrom('deliveries')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('channel_id', '=', channelId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.state !== undefined) query = query.where('state', '=', page.state)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return (await query.execute()).map(toDelivery)
}

/** Of how much a node takes up. */
export interface Room {
  readonly perChannel: number
  readonly inAll: number
}

/**
 * Takes up what is due, of whatever organization: the longest due first, but of each channel no more than `perChannel` at a time, by
 * all nodes together. Channels are walked along the index, from one that has something waiting to the next.
 */
export async function leaseDue(tx: Tx, now: Instant, until: Instant, room: Room): Promise<LeasedDelivery[]> {
  const { rows } = await sql<LeasedDelivery>`
    with recursive waiting (channel_id) as (
      (select channel_id from deliveries where state = 'pending' order by channel_id limit 1)
      union all
      select (
        select d.channel_id from deliveries d
        where d.state = 'pending' and d.channel_id > w.channel_id order by d.channel_id limit 1
      ) from waiting w where w.channel_id is not null
    ), due as (
      select d.id from waiting w cross join lateral (
        select id, next_attempt_at from deliveries
        where channel_id = w.channel_id and state = 'pending' and next_attempt_at <= ${at(now)}
          and (leased_until is null or leased_until <= ${at(now)})
        order by next_attempt_at
        limit greatest(0, ${room.perChannel}::integer - (
          select count(*) from (
            select from deliveries l
            where l.channel_id = w.channel_id and l.state = 'pending' and l.next_attempt_at <= ${at(now)}
              and l.leased_until > ${at(now)}
            limit ${room.perChannel}
          ) as leased
        ))
        for update skip locked
      ) as d
      order by d.next_attempt_at
      limit ${room.inAll}
    )
    update deliveries d set attempts = d.attempts + 1, tries = d.tries + 1, leased_until = ${at(until)}
    from due where d.id = due.id
    returning d.id, d.organization_id as "organizationId", d.channel_id as "channelId", d.payload, d.attempts, d.tries
  `.execute(tx)
  return rows
}

// As many as two series of attempts leave, and more.
const longestLog = 30

/** How an attempt ended. */
export type Ending =
  | { readonly state: 'delivered' | 'dead' }
  | { readonly state: 'pending'; readonly nextAttemptAt: Instant }

/**
 * Puts an attempt on its delivery's log, and the delivery where that leads. Somebody who has taken it up since (the lease was over) has the
 * last word, unless it was taken by the receiver.
 *
 * @returns false where it was finished, deleted or taken up meanwhile
 */
export async function finishAttempt(
  tx: Tx,
  { id, organizationId, attempts }: Pick<LeasedDelivery, 'id' | 'organizationId' | 'attempts'>,
  attempt: Attempt,
  ending: Ending,
  now: Instant,
): Promise<boolean> {
  const line = JSON.stringify([toLine(attempt)])
  let query = tx
    .updateTable('deliveries')
    .set({
      state: ending.state,
      leased_until: null,
      finished_at: ending.state === 'pending' ? null : at(now),
      ...(ending.state === 'pending' ? { next_attempt_at: at(ending.nextAttemptAt) } : {}),
      log: sql`(select jsonb_agg(line) from (
        select line from jsonb_array_elements(${line}::jsonb || log) with ordinality as lines (line, place)
        order by place limit ${longestLog}
      ) as kept)`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .returning('id')
  if (ending.state !== 'delivered') query = query.where('attempts', '=', attempts)
  return (await query.executeTakeFirst()) !== undefined
}

const toLine = (attempt: Attempt) => ({
  at: formatTime(attempt.at),
  duration_ms: attempt.durationMs,
  status: attempt.status,
  error: attempt.error,
  answer: attempt.answer,
})

/** Gives up all that waits for a channel. */
export async function buryPending(
  tx: Tx,
  organizationId: string,
  channelId: string,
  now: Instant,
  why: string,
): Promise<void> {
  const line = JSON.stringify([toLine({ at: now, durationMs: 0, status: null, error: why, answer: null })])
  await tx
    .updateTable('deliveries')
    .set({ state: 'dead', finished_at: at(now), leased_until: null, log: sql`${line}::jsonb || log` })
    .where('organization_id', '=', organizationId)
    .where('channel_id', '=', channelId)
    .where('state', '=', 'pending')
    .execute()
}

/** A dead one, as if it were new but for its id and its log. @returns undefined where it is not dead */
export async function revive(
  tx: Tx,
  organizationId: string,
  channelId: string,
  id: string,
  now: Instant,
): Promise<Delivery | undefined> {
  const row = await tx
    .updateTable('deliveries')
    .set({ state: 'pending', finished_at: null, tries: 0, next_attempt_at: at(now), leased_until: null })
    .where('organization_id', '=', organizationId)
    .where('channel_id', '=', channelId)
    .where('id', '=', id)
    .where('state', '=', 'dead')
    .returning(columns)
    .executeTakeFirst()
  return row && toDelivery(row)
}

export async function countDead(reader: Reader): Promise<number> {
  const row = await reader
    .selectFrom('deliveries')
    .select((column) => column.fn.countAll<number>().as('count'))
    .where('state', '=', 'dead')
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** What was finished before then. @returns whether there may be more */
export async function deleteFinishedBefore(reader: Reader, before: Instant, atMost: number): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    delete from deliveries where id in (
      select id from deliveries where state <> 'pending' and finished_at < ${at(before)} limit ${atMost}
    ) returning id`.execute(reader)
  return rows.length === atMost
}
