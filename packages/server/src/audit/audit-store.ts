import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { ChangedKind } from '../storage/schema.ts'

/** The chain of events that belong to no organization. */
export const installationChain = 'installation'

export const chainOf = (organizationId: string | null): string => organizationId ?? installationChain

export async function putIntoOutbox(
  tx: Tx,
  organizationId: string | null,
  body: string,
  changed: { kind: ChangedKind; id: string } | null,
): Promise<void> {
  await tx
    .insertInto('outbox')
    .values({
      chain: chainOf(organizationId),
      body,
      changed_kind: changed?.kind ?? null,
      changed_id: changed?.id ?? null,
    })
    .execute()
}

/** In this order. */
export async function putAllIntoOutbox(tx: Tx, organizationId: string, bodies: readonly string[]): Promise<void> {
  if (bodies.length === 0) return
  await sql`insert into outbox (chain, body)
    select ${chainOf(organizationId)}, body from unnest(${[...bodies]}::text[]) with ordinality as b (body, place)
    order by place`.execute(tx)
}

export interface StoredEvent {
  readonly sequence: number
  readonly hash: Uint8Array
  readonly body: string
}

export interface EventFilter {
  readonly keyId?: string
  readonly actor?: string
  readonly action?: string
  readonly since?: string
  readonly until?: string
  /** Null: of every project, and those of none. */
  readonly projects: readonly string[] | null
  readonly beforeSequence?: number
  readonly limit: number
}

/** For a list that is read to its end while others write: oldest first, up to what there was when it began. */
export interface EventRange {
  readonly afterSequence: number
  readonly throughSequence: number
}

/** Newest first. */
export async function listEvents(
  reader: Reader,
  organizationId: string | null,
  filter: EventFilter,
): Promise<StoredEvent[]> {
  const query = selectEvents(reader, organizationId, filter).orderBy('sequence', 'desc')
  if (filter.beforeSequence === undefined) return query.execute()
  return query.where('sequence', '<', filter.beforeSequence).execute()
}

/** Oldest first. */
export async function listEventsWithin(
  reader: Reader,
  organizationId: string | null,
  filter: Omit<EventFilter, 'beforeSequence'>,
  range: EventRange,
): Promise<StoredEvent[]> {
  return selectEvents(reader, organizationId, filter)
    .where('sequence', '>', range.afterSequence)
    .where('sequence', '<=', range.throughSequence)
    .orderBy('sequence')
    .execute()
}

function selectEvents(reader: Reader, organizationId: string | null, filter: EventFilter) {
  let query = reader
    .selectFrom('audit_events')
    .select(['sequence', 'hash', 'body'])
    .where('chain', '=', chainOf(organizationId))
    .limit(filter.limit)
  if (filter.keyId !== undefined) query = query.where('key_id', '=', filter.keyId)
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.since !== undefined) query = query.where('at', '>=', filter.since)
  if (filter.until !== undefined) query = query.where('at', '<', filter.until)
  if (filter.projects !== null)
    query = query.where('project_id', '=', sql<string>`any(${[...filter.projects]}::text[])`)
  return query
}

/** In the order of the chain, for walking along it. @param afterSequence null: from whatever stands first, even before 1 */
export async function readChain(
  reader: Reader,
  organizationId: string | null,
  afterSequence: number | null,
  limit: number,
): Promise<StoredEvent[]> {
  let query = reader
    .selectFrom('audit_events')
    .select(['sequence', 'hash', 'body'])
    .where('chain', '=', chainOf(organizationId))
    .orderBy('sequence')
    .limit(limit)
  if (afterSequence !== null) query = query.where('sequence', '>', afterSequence)
  return query.execute()
}

/** 0: there is none. */
export async function findLastSequence(reader: Reader, organizationId: string | null): Promise<number> {
  const row = await reader
    .selectFrom('audit_events')
    .select('sequence')
    .where('chain', '=', chainOf(organizationId))
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.sequence ?? 0
}

export async function findHead(
  reader: Reader,
  organizationId: string | null,
): Promise<{ sequence: number; hash: Uint8Array } | undefined> {
  return reader
    .selectFrom('audit_heads')
    .select(['sequence', 'hash'])
    .where('chain', '=', chainOf(organizationId))
    .executeTakeFirst()
}

export interface Signature {
  readonly sequence: number
  readonly hash: Uint8Array
  readonly signature: Uint8Array
}

export async function listSignatures(reader: Reader, organizationId: string | null): Promise<Signature[]> {
  return reader
    .selectFrom('audit_signatures')
    .select(['sequence', 'hash', 'signature'])
    .where('chain', '=', chainOf(organizationId))
    .orderBy('sequence')
    .execute()
}

/** Heads of chains that have grown since their last signature. */
export async function listUnsignedHeads(
  reader: Reader,
): Promise<{ chain: string; sequence: number; hash: Uint8Array; signedThrough: number }[]> {
  const { rows } = await sql<{ chain: string; sequence: number; hash: Uint8Array; signedThrough: number }>`
    select h.chain, h.sequence, h.hash, coalesce(s.sequence, 0) as "signedThrough"
    from audit_heads h
    left join lateral (
      select sequence from audit_signatures where chain = h.chain order by sequence desc limit 1
    ) s on true
    where h.sequence > coalesce(s.sequence, 0)
    order by h.chain`.execute(reader)
  return rows
}

/** Two nodes may sign the same head at once: the second finds it done. */
export async function insertSignature(tx: Tx, chain: string, signature: Signature, now: Instant): Promise<void> {
  await tx
    .insertInto('audit_signatures')
    .values({
      chain,
      sequence: signature.sequence,
      hash: signature.hash,
      signature: signature.signature,
      signed_at: at(now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
