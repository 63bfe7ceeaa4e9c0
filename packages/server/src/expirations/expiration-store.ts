import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { type ExpirationFilter, type ExpirationScope, type WalkOptions, walkExpirations } from './expiration-sql.ts'
import type { TrackedCredential } from './tracked-credential.ts'
import { credentialColumns, toCredential } from './tracked-rows.ts'

export type { ExpirationFilter, ExpirationScope, WalkOptions } from './expiration-sql.ts'

/** A key or credential to which something comes at a time. */
export interface Coming {
  readonly subject: string
  readonly place: Instant
  readonly leg: 'end' | 'rotation' | 'tracked'
}

/** In the order of the list; the same key may come several times. */
export async function walk(
  reader: Reader,
  scope: ExpirationScope,
  filter: ExpirationFilter,
  options: WalkOptions,
): Promise<Coming[]> {
  const { rows } = await sql<Coming>`${walkExpirations(scope, filter, options)}`.execute(reader)
  return rows
}

/** Those that are there, by id. */
export async function findCredentials(
  reader: Reader,
  organizationId: string,
  ids: readonly string[],
): Promise<Map<string, TrackedCredential>> {
  if (ids.length === 0) return new Map()
  const rows = await reader
    .selectFrom('tracked_credentials')
    .select(credentialColumns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', sql<string>`any(${[...ids]}::text[])`)
    .where('deleted_at', 'is', null)
    .execute()
  return new Map(rows.map((row) => [row.id, toCredential(row)]))
}
