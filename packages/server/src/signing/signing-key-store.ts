import type { Actor } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { SigningKey } from './signing-key.ts'

/** The one that signs, with its private half. */
export interface SealedSigningKey {
  readonly id: string
  readonly sealedPrivateKey: Uint8Array
}

/** All there ever were, oldest first. */
export async function listSigningKeys(reader: Reader): Promise<SigningKey[]> {
  const rows = await reader
    .selectFrom('signing_keys as key')
    .select(['id', 'number', 'public_key', 'created_at', 'created_by', 'signs_from', 'withdrawn_at'])
    .select((key) =>
      key
        .selectFrom('tokens')
        .select((token) => token.fn.max('expires_at').as('last'))
        .whereRef('signing_key_id', '=', 'key.id')
        .as('last_token_ends_at'),
    )
    .orderBy('number')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    number: row.number,
    publicKey: row.public_key,
    createdAt: row.created_at,
    createdBy: row.created_by,
    signsFrom: row.signs_from,
    withdrawnAt: row.withdrawn_at,
    lastTokenEndsAt: row.last_token_ends_at,
  }))
}

/** The newest of those whose time has come. Where none has yet, as of a caller that waited for a withdrawal, the one that is next. */
const currentKey = (now: Instant) => sql<{ id: string; sealed_private_key: Uint8Array }>`
  select id, sealed_private_key from signing_keys where withdrawn_at is null
  order by signs_from <= ${at(now)} desc, case when signs_from <= ${at(now)} then -number else number end limit 1`

export async function findCurrentKey(reader: Reader, now: Instant): Promise<SealedSigningKey | undefined> {
  const { rows } = await currentKey(now).execute(reader)
  return rows[0] && { id: rows[0].id, sealedPrivateKey: rows[0].sealed_private_key }
}

/** For signing with it: whoever withdraws it waits, or was first, and then it is not found. */
export async function lockCurrentKey(tx: Tx, now: Instant): Promise<SealedSigningKey | undefined> {
  const { rows } = await sql<{ id: string; sealed_private_key: Uint8Array }>`
    select id, sealed_private_key from signing_keys
    where withdrawn_at is null and id = (select id from (${currentKey(now)}) as current) for share`.execute(tx)
  return rows[0] && { id: rows[0].id, sealedPrivateKey: rows[0].sealed_private_key }
}

/** @returns false where another has taken the number: it is waited for until that is certain */
export async function insertSigningKey(
  tx: Tx,
  key: Omit<SigningKey, 'lastTokenEndsAt'> & { readonly sealedPrivateKey: Uint8Array; readonly createdBy: Actor },
): Promise<boolean> {
  const row = await tx
    .insertInto('signing_keys')
    .values({
      id: key.id,
      number: key.number,
      public_key: key.publicKey,
      sealed_private_key: key.sealedPrivateKey,
      created_at: at(key.createdAt),
      created_by: JSON.stringify(key.createdBy),
      signs_from: at(key.signsFrom),
      withdrawn_at: null,
    })
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** @returns the ids of those that were not withdrawn before */
export async function withdrawSigningKeys(tx: Tx, below: number, now: Instant): Promise<string[]> {
  const rows = await tx
    .updateTable('signing_keys')
    .set({ withdrawn_at: at(now) })
    .where('number', '<', below)
    .where('withdrawn_at', 'is', null)
    .returning(['id', 'number'])
    .execute()
  return rows.toSorted((a, b) => a.number - b.number).map(({ id }) => id)
}
