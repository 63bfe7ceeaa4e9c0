import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { FeedToken } from './feed-token.ts'

/** All but the digest, which leaves the database for nobody. */
const columns = [
  'id',
  'organization_id',
  'name',
  'projects',
  'management_keys',
  'created_at',
  'created_by',
  'last_used_at',
  'revoked_at',
] as const satisfies (keyof Schema['feed_tokens'])[]

const toFeedToken = (row: Pick<Selectable<Schema['feed_tokens']>, (typeof columns)[number]>): FeedToken => ({
  id: row.id,
  organizationId: row.organization_id,
  name: row.name,
  projects: row.projects,
  managementKeys: row.management_keys,
  createdAt: row.created_at,
  createdBy: row.created_by,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
})

/** @param tokenDigest SHA-256 of the token */
export async function insertFeedToken(
  tx: Tx,
  organizationId: string,
  token: FeedToken,
  tokenDigest: Uint8Array,
): Promise<void> {
  await tx
    .insertInto('feed_tokens')
    .values({
      id: token.id,
      organization_id: organizationId,
      name: token.name,
      projects: token.projects === null ? null : [...token.projects],
      management_keys: token.managementKeys,
      token_digest: tokenDigest,
      created_at: at(token.createdAt),
      created_by: JSON.stringify(token.createdBy),
    })
    .execute()
}

/** Of any organization: who holds the token is who it was made for. A revoked one is not found. */
export async function findFeedTokenByDigest(reader: Reader, tokenDigest: Uint8Array): Promise<FeedToken | undefined> {
  const row = await reader
    .selectFrom('feed_tokens')
    .select(columns)
    .where('token_digest', '=', tokenDigest)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return row && toFeedToken(row)
}

export async function findFeedToken(
  reader: Reader,
  organizationId: string,
  id: string,
): Promise<FeedToken | undefined> {
  const row = await reader
    .selectFrom('feed_tokens')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toFeedToken(row)
}

/** Newest first. @param projects those that reach no further than these; null: all */
export async function listFeedTokens(
  reader: Reader,
  organizationId: string,
  projects: readonly string[] | null,
  page: { before: string | null; limit: number },
): Promise<FeedToken[]> {
  let query = reader
    .selectFrom('feed_tokens')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.before !== null) query = query.where('id', '<', page.before)
  if (projects !== null) query = query.where(sql<boolean>`projects <@ ${[...projects]}::text[]`)
  return (await query.execute()).map(toFeedToken)
}

/** @returns false where it was revoked before */
export async function revokeFeedToken(tx: Tx, organizationId: string, id: string, now: Instant): Promise<boolean> {
  const row = await tx
    .updateTable('feed_tokens')
    .set({ revoked_at: at(now) })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Not revoked ones that this person made. */
export async function listOpenTokensBy(reader: Reader, organizationId: string, personId: string): Promise<FeedToken[]> {
  const rows = await reader
    .selectFrom('feed_tokens')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`created_by ->> 'type' = 'member' and created_by ->> 'id' = ${personId}`)
    .orderBy('id')
    .execute()
  return rows.map(toFeedToken)
}

/** Calendars ask every few minutes: it is written where the last one is older than that. */
export async function noteTokenUse(
  reader: Reader,
  organizationId: string,
  id: string,
  now: Instant,
  unlessSince: Instant,
): Promise<void> {
  await reader
    .updateTable('feed_tokens')
    .set({ last_used_at: at(now) })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where(sql<boolean>`(last_used_at > ${at(unlessSince)}) is not true`)
    .execute()
}
