import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'

export interface SessionRecord {
  readonly id: string
  readonly personId: string
  /** Of one that a product gave: it holds there alone. */
  readonly organizationId: string | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly signedInAt: Instant
  readonly expiresAt: Instant
}

const toSession = (row: Selectable<Schema['sessions']>): SessionRecord => ({
  id: row.id,
  personId: row.person_id,
  organizationId: row.organization_id,
  address: row.ip_address || null,
  userAgent: row.user_agent || null,
  signedInAt: row.created_at,
  expiresAt: row.expires_at,
})

/** Live ones, newest first. */
export async function listSessions(reader: Reader, personId: string, now: Instant): Promise<SessionRecord[]> {
  const rows = await reader
    .selectFrom('sessions')
    .selectAll()
    .where('person_id', '=', personId)
    .where('expires_at', '>', at(now))
    .where('pending', '=', false)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toSession)
}

/** @returns whether there was one */
export async function endSession(tx: Tx, personId: string, sessionId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sessions')
    .where('person_id', '=', personId)
    .where('id', '=', sessionId)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Those that the organization's product gave; with them all where the person is left nowhere else. */
export async function endSessionsIn(tx: Tx, personId: string, organizationId: string): Promise<void> {
  await tx
    .deleteFrom('sessions')
    .where('person_id', '=', personId)
    .where((where) =>
      where.or([
        where('organization_id', '=', organizationId),
        where.not(where.exists(where.selectFrom('members').select('person_id').where('person_id', '=', personId))),
      ]),
    )
    .execute()
}

/** The last sign-in of each that still has its session. */
export async function findLastSignIns(reader: Reader, personIds: readonly string[]): Promise<Map<string, Instant>> {
  const rows = await reader
    .selectFrom('sessions')
    .select(['person_id', (column) => column.fn.max('created_at').as('last')])
    .where('person_id', '=', sql<string>`any(${[...personIds]}::text[])`)
    .where('pending', '=', false)
    .groupBy('person_id')
    .execute()
  return new Map(rows.map((row) => [row.person_id, row.last]))
}

/** What has ended long ago; and what was left between password and second factor. */
export async function forgetEnded(reader: Reader, before: Instant): Promise<void> {
  await reader.deleteFrom('sessions').where('expires_at', '<', at(before)).execute()
  await reader.deleteFrom('verifications').where('expires_at', '<', at(before)).execute()
  await reader.deleteFrom('portal_links').where('expires_at', '<', at(before)).execute()
}
