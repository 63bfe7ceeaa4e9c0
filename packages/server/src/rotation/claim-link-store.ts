import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { ClaimLink } from './claim-link.ts'

/** All but the digest, which leaves the database for nobody. */
const columns = [
  'id',
  'key_id',
  'organization_id',
  'created_at',
  'created_by',
  'expires_at',
  'claimed_at',
  'secret_id',
  'withdrawn_at',
] as const satisfies (keyof Schema['claim_links'])[]

const toClaimLink = (row: Pick<Selectable<Schema['claim_links']>, (typeof columns)[number]>): ClaimLink => ({
  id: row.id,
  keyId: row.key_id,
  organizationId: row.organization_id,
  createdAt: row.created_at,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
  claimedAt: row.claimed_at,
  secretId: row.secret_id,
  withdrawnAt: row.withdrawn_at,
})

/** @param tokenDigest SHA-256 of the token */
export async function insertClaimLink(
  tx: Tx,
  organizationId: string,
  link: ClaimLink,
  tokenDigest: Uint8Array,
): Promise<void> {
  await tx
    .insertInto('claim_links')
    .values({
      id: link.id,
      key_id: link.keyId,
      organization_id: organizationId,
      token_digest: tokenDigest,
      created_at: at(link.createdAt),
      created_by: JSON.stringify(link.createdBy),
      expires_at: at(link.expiresAt),
      claimed_at: null,
      secret_id: null,
      withdrawn_at: null,
    })
    .execute()
}

/** Of any organization: who holds the token is who it was made for. */
export async function findClaimLinkByToken(reader: Reader, tokenDigest: Uint8Array): Promise<ClaimLink | undefined> {
  const row = await reader
    .selectFrom('claim_links')
    .select(columns)
    .where('token_digest', '=', tokenDigest)
    .executeTakeFirst()
  return row && toClaimLink(row)
}

export async function findClaimLink(
  reader: Reader,
  organizationId: string,
  keyId: string,
  id: string,
): Promise<ClaimLink | undefined> {
  const row = await reader
    .selectFrom('claim_links')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('key_id', '=', keyId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toClaimLink(row)
}

/** Newest first. @param before the id of the last one on the page before */
export async function listClaimLinks(
  reader: Reader,
  organizationId: string,
  keyId: string,
  page: { before: string | null; limit: number },
): Promise<ClaimLink[]> {
  let query = reader
    .selectFrom('claim_links')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('key_id', '=', keyId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return (await query.execute()).map(toClaimLink)
}

/** Uses an open link up. @returns false where it is not open: of two at once the second finds the first one's claim */
export async function claim(
  tx: Tx,
  organizationId: string,
  id: string,
  secretId: string,
  now: Instant,
): Promise<boolean> {
  const row = await tx
    .updateTable('claim_links')
    .set({ claimed_at: at(now), secret_id: secretId })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('claimed_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .where('expires_at', '>', at(now))
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

const madeBy = (personId: string) =>
  sql<boolean>`created_by ->> 'type' = 'member' and created_by ->> 'id' = ${personId}`

/** Open ones that somebody made, of any key. */
export async function listOpenBy(
  reader: Reader,
  organizationId: string,
  personId: string,
  now: Instant,
): Promise<ClaimLink[]> {
  const rows = await reader
    .selectFrom('claim_links')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where(madeBy(personId))
    .where('claimed_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .where('expires_at', '>', at(now))
    .orderBy('id')
    .execute()
  return rows.map(toClaimLink)
}

/** @returns false where it was claimed or withdrawn before */
export async function withdraw(tx: Tx, organizationId: string, id: string, now: Instant): Promise<boolean> {
  const row = await tx
    .updateTable('claim_links')
    .set({ withdrawn_at: at(now) })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('claimed_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
