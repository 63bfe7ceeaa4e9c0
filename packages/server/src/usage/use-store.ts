import { sql } from 'kysely'
import { type Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { instantText } from '../storage/driver-values.ts'

export interface Use {
  readonly id: string
  readonly at: Instant
}

/** Later uses win, so that nodes may write in any order. Rows are locked by id, so that two nodes never wait for each other. */
export async function writeKeyUse(tx: Tx, uses: readonly Use[]): Promise<void> {
  await sql`
    with used as (
      select * from unnest(${uses.map((use) => use.id)}::text[], ${times(uses)}::timestamptz[]) as used (id, used_at)
    ), locked as (
      select key_id from key_activity where key_id = any(${uses.map((use) => use.id)}::text[]) order by key_id for update
    )
    update key_activity set last_used_at = used.used_at
    from used join locked on locked.key_id = used.id
    where key_activity.key_id = used.id and key_activity.last_used_at < used.used_at`.execute(tx)
}

export async function writeSecretUse(tx: Tx, uses: readonly Use[]): Promise<void> {
  await sql`
    with used as (
      select * from unnest(${uses.map((use) => use.id)}::text[], ${times(uses)}::timestamptz[]) as used (id, used_at)
    ), locked as (
      select secret_id from secret_activity where secret_id = any(${uses.map((use) => use.id)}::text[])
      order by secret_id for update
    )
    update secret_activity set last_used_at = used.used_at
    from used join locked on locked.secret_id = used.id
    where secret_activity.secret_id = used.id and secret_activity.last_used_at < used.used_at`.execute(tx)
}

const times = (uses: readonly Use[]) => uses.map((use) => instantText(use.at))
