import { sql } from 'kysely'
import type { Reader } from '../storage/database.ts'
import { type FoundRow, type Snapshot, toSnapshot } from './snapshot.ts'

/**
 * Everything that verdicts on these values depend on, with the head of the change feed and the time, in one statement and so in one
 * snapshot. Digests are unique over all organizations; whether a caller reaches what is found is decided by who asks.
 *
 * @param digests SHA-256 of the presented values
 */
export async function findByDigests(reader: Reader, digests: readonly Uint8Array[]): Promise<Snapshot> {
  const { rows } = await sql<FoundRow>`select * from find_by_digests(${Buffer.concat(digests)}::bytea)`.execute(reader)
  return toSnapshot(rows)
}
