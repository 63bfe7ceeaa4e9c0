import type { EndedCode } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import { never } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import type { SecretRecord } from './key.ts'
import { secretColumns, toSecret } from './key-rows.ts'

export interface SecretWithUse extends SecretRecord {
  readonly lastUsedAt: Instant | null
  /** The last call after its end. */
  readonly lastRefused: { readonly code: EndedCode; readonly at: Instant } | null
}

/** The secrets of these keys, newest first, each with its last use. The keys were found within the caller's reach. */
export async function listSecretsOf(reader: Reader, keyIds: readonly string[]): Promise<SecretWithUse[]> {
  const rows = await reader
    .selectFrom('secrets')
    .leftJoin('secret_activity', 'secret_activity.secret_id', 'secrets.id')
    .select(secretColumns)
    .select(['last_used_at', 'last_refused_at', 'last_refused_code'])
    .where('key_id', '=', sql<string>`any(${[...keyIds]}::text[])`)
    .orderBy('secrets.id', 'desc')
    .execute()
  return rows.map((row) => ({
    ...toSecret(row),
    lastUsedAt: row.last_used_at === null || row.last_used_at === -never ? null : row.last_used_at,
    lastRefused:
      row.last_refused_at === null || row.last_refused_code === null
        ? null
        : { code: row.last_refused_code, at: row.last_refused_at },
  }))
}
