import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at, TextArray } from '../storage/driver-values.ts'
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
  await sql`insert into outbox (chain, bodies) values (${chainOf(organizationId)}, ${new TextArray(bodies)}::text[])`.execute(
    tx,
  )
}

// A look brings at most 2,000 rows: of this many digests each, some six megabytes.
const digestsPerRow = 100

/** What is to be known of digests, on every node, once this is committed. @param changedId whatever they have in common */
export async function putDigestsIntoOutbox(tx: Tx, changedId: string, digests: readonly Uint8Array[]): Promise<void> {
  if (digests.length === 0) return
  await sql`insert into outbox (changed_kind, changed_id, digests)
    select 'key', ${changedId}, array_agg(decode(digest, 'hex') order by place)
    from unnest(${new TextArray(digests.map((digest) => Buffer.from(digest).toString('hex')))}::text[]) with ordinality as d (digest, place)
    group by (place - 1) / ${digestsPerRow} order by min(place)`.execute(tx)
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

/** Of a stretch of the chain, oldest first, all but those of these actions. */
export async function readChainWithout(
  reader: Reader,
  organizationId: string,
  { afterSequence, throughSequence }: EventRange,
  actions: readonly string[],
  limit: number,
): Promise<StoredEvent[]> {
  return reader
    .selectFrom('audit_events')
    .select(['sequence', 'hash', 'body'])
    .where('chain', '=', chainOf(organizationId))
    .where('sequence', '>', afterSequence)
    .where('sequence', '<=', throughSequence)
    .where('action', '<>', sql<string>`all(${[...actions]}::text[])`)
    .orderBy('sequence')
    .limit(limit)
    .execute()
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

/** Of a chain that was there elsewhere. */
export async function insertChain(tx: Tx, organizationId: string, events: readonly StoredEvent[]): Promise<void> {
  const rows = events.map(({ sequence, hash, body }) => ({
    sequence,
    hash: Buffer.from(hash).toString('hex'),
    body,
  }))
  await sql`
    insert into audit_events (chain, sequence, hash, body)
    select ${chainOf(organizationId)}, sequence, decode(hash, 'hex'), body
    from json_to_recordset(${JSON.stringify(rows)}::json) as r (sequence bigint, hash text, body text)`.execute(tx)
}

/** The next event of the chain is linked to this one. */
export async function startChain(
  tx: Tx,
  organizationId: string,
  head: { readonly sequence: number; readonly hash: Uint8Array },
): Promise<void> {
  await tx
    .insertInto('audit_heads')
    .values({ chain: chainOf(organizationId), sequence: head.sequence, hash: head.hash })
    .execute()
}
