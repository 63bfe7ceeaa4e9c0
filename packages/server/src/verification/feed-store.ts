import { sql } from 'kysely'
import { digestLength } from '../kernel/digest.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import type { ChangedKind } from '../storage/schema.ts'

export interface FeedRow {
  readonly sequence: number
  readonly nonce: string
  readonly kind: ChangedKind
  readonly id: string
  readonly digests: readonly Uint8Array[] | null
}

/** What a look brings. */
export interface Look {
  /** False: somebody has removed this node's row. */
  readonly registered: boolean
  readonly now: Instant
  readonly head: number
  /** From the applied row on, that one included; at most as many as one look takes. */
  readonly rows: readonly FeedRow[]
}

/** One look takes no more; a node that is further behind looks again at once. */
export const rowsPerLook = 2_000

/**
 * Writes this node's heartbeat and what it has applied, and returns the feed from there on, in one statement. It does not wait for the
 * disk: a crash can only set the row back to an earlier report, and so make somebody wait longer; while a slow disk would delay
 * every revocation. What it reads was on the disk before it could be read. `register` does wait: its row must not be lost.
 */
export async function look(reader: Reader, nodeId: string, applied: number): Promise<Look> {
  const { rows } = await sql<{
    registered: boolean
    now: Instant
    head: number
    sequence: number | null
    nonce: string
    changed_kind: ChangedKind
    changed_id: string
    digests: Uint8Array | null
  }>`
    with me as (
      update nodes set heartbeat = heartbeat + 1, applied_sequence = ${applied} where id = ${nodeId} returning id
    )
    select exists (select from me) as registered, clock_timestamp() as now, head.sequence as head,
      set_config('synchronous_commit', 'off', true), feed.sequence, feed.nonce, feed.changed_kind, feed.changed_id,
      -- In one piece: an array of so many would be read letter by letter, while verdicts wait.
      (select string_agg(digest, '') from unnest(feed.digests) as digest) as digests
    from change_feed_head as head
    left join (
      select * from change_feed where sequence >= ${applied} order by sequence limit ${rowsPerLook}
    ) as feed on true
    order by feed.sequence`.execute(reader)
  const [first] = rows
  if (!first) throw new Error('the head of the change feed is missing')
  return {
    registered: first.registered,
    now: first.now,
    head: first.head,
    rows: rows.flatMap((row) =>
      row.sequence === null
        ? []
        : [
            {
              sequence: row.sequence,
              nonce: row.nonce,
              kind: row.changed_kind,
              id: row.changed_id,
              digests: row.digests && splitDigests(row.digests),
            },
          ],
    ),
  }
}

const splitDigests = (packed: Uint8Array): Uint8Array[] =>
  Array.from({ length: packed.length / digestLength }, (_, place) =>
    packed.subarray(place * digestLength, (place + 1) * digestLength),
  )

/**
 * Stands for nodes that trust their memory still but are unknown to a database that was set back. Its heartbeat stands still: who
 * waits, waits for the lease that they may have, and the row goes as that of any silent node.
 */
export const unknownNodeId = 'node_unknown'

/**
 * May be repeated where it is not known whether it came through.
 *
 * @param wasSetBack there may be nodes that the registry has lost
 * @returns where the feed stands; the nonce is null while it is empty
 */
export async function register(
  reader: Reader,
  node: { id: string; formerId: string | null; version: string; maxStalenessMs: number },
  wasSetBack: boolean,
): Promise<{ sequence: number; nonce: string | null }> {
  const { rows } = await sql<{ sequence: number; nonce: string | null }>`
    with head as (
      select head.sequence, feed.nonce from change_feed_head as head left join change_feed as feed using (sequence)
    ), former as (
      delete from nodes where id = ${node.formerId}
    ), unknown as (
      insert into nodes (id, version, started_at, heartbeat, applied_sequence, max_staleness_ms)
      select ${unknownNodeId}, ${node.version}, clock_timestamp(), 1, 0, ${node.maxStalenessMs}::integer where ${wasSetBack}::boolean
      on conflict (id) do update set heartbeat = nodes.heartbeat + 1,
        max_staleness_ms = greatest(nodes.max_staleness_ms, excluded.max_staleness_ms)
    ), me as (
      insert into nodes (id, version, started_at, heartbeat, applied_sequence, max_staleness_ms)
      select ${node.id}, ${node.version}, clock_timestamp(), 1, head.sequence, ${node.maxStalenessMs} from head
      on conflict (id) do update set heartbeat = nodes.heartbeat + 1, applied_sequence = excluded.applied_sequence
    )
    select sequence, nonce from head`.execute(reader)
  const [head] = rows
  if (!head) throw new Error('the head of the change feed is missing')
  return head
}

export async function unregister(reader: Reader, nodeId: string): Promise<void> {
  await reader.deleteFrom('nodes').where('id', '=', nodeId).execute()
}

export interface NodeRow {
  readonly id: string
  readonly version: string
  readonly startedAt: Instant
  readonly heartbeat: number
  readonly appliedSequence: number
  readonly maxStalenessMs: number
}

export async function listNodes(reader: Reader): Promise<{ head: number; nodes: NodeRow[] }> {
  const head = await reader.selectFrom('change_feed_head').select('sequence').executeTakeFirstOrThrow()
  const rows = await reader.selectFrom('nodes').selectAll().orderBy('id').execute()
  return {
    head: head.sequence,
    nodes: rows.map((row) => ({
      id: row.id,
      version: row.version,
      startedAt: row.started_at,
      heartbeat: row.heartbeat,
      appliedSequence: row.applied_sequence,
      maxStalenessMs: row.max_staleness_ms,
    })),
  }
}

/** Unless it has given a sign of life meanwhile. */
export async function removeSilentNode(reader: Reader, nodeId: string, heartbeat: number): Promise<void> {
  await reader.deleteFrom('nodes').where('id', '=', nodeId).where('heartbeat', '=', heartbeat).execute()
}

/** The newest rows stay: a node that is further behind than this begins anew, which is right and only costs it its cache. */
export async function forgetOldChanges(reader: Reader, keep: number): Promise<void> {
  await sql`delete from change_feed where sequence < (select sequence from change_feed_head) - ${keep}`.execute(reader)
}
