import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Key } from './key.ts'
import { keyColumns, toKey } from './key-rows.ts'

/** A key with what ties somebody to it. */
export interface LeftKeyRecord {
  readonly key: Key
  readonly owned: boolean
  readonly created: boolean
  /** They were shown a value that is still accepted. */
  readonly seen: boolean
}

/** Keys that somebody owns, has created, or has seen a live value of; revoked ones left out. By id. */
export async function listLeftKeys(
  reader: Reader,
  organizationId: string,
  person: { readonly id: string; readonly email: string },
  now: Instant,
  limit: number,
): Promise<LeftKeyRecord[]> {
  const seen = sql<string>`(
    select v.key_id from secret_views v join secrets s on s.id = v.secret_id
    where v.organization_id = ${organizationId} and v.viewer = ${person.id} and s.ended_at is null
      and s.expires_at > ${at(now)} and (s.retires_at is null or s.retires_at > ${at(now)})
  )`
  const created = sql<boolean>`(created_by ->> 'type' = 'member' and created_by ->> 'id' = ${person.id})`
  const rows = await reader
    .selectFrom('keys')
    .select(keyColumns)
    .select([
      sql<boolean>`owner is not distinct from ${person.email}`.as('is_owned'),
      created.as('is_created'),
      sql<boolean>`id in ${seen}`.as('is_seen'),
    ])
    .where('organization_id', '=', organizationId)
    .where(
      'id',
      'in',
      sql<string>`(
        select id from keys where organization_id = ${organizationId} and owner = ${person.email}
        union select id from keys where organization_id = ${organizationId} and ${created}
        union select * from ${seen} as seen
      )`,
    )
    .where('state', 'in', ['active', 'disabled'])
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ key: toKey(row), owned: row.is_owned, created: row.is_created, seen: row.is_seen }))
}
