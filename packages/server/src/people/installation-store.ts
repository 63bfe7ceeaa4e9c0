import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export interface Installation {
  readonly masterKeyCheck: Uint8Array
  readonly rootKeyDigest: Uint8Array | null
}

/** Writes the one row unless it is there. Of several processes at once one writes it; the others wait for that and go on. */
export async function insertInstallation(tx: Tx, masterKeyCheck: Uint8Array, now: Instant): Promise<boolean> {
  const row = await tx
    .insertInto('installation')
    .values({ master_key_check: masterKeyCheck, root_key_digest: null, created_at: at(now) })
    .onConflict((conflict) => conflict.doNothing())
    .returning('only_row')
    .executeTakeFirst()
  return row !== undefined
}

export async function lockInstallation(tx: Tx): Promise<Installation> {
  const row = await tx.selectFrom('installation').selectAll().forUpdate().executeTakeFirstOrThrow()
  return { masterKeyCheck: row.master_key_check, rootKeyDigest: row.root_key_digest }
}

export async function setRootKeyDigest(tx: Tx, digest: Uint8Array): Promise<void> {
  await tx.updateTable('installation').set({ root_key_digest: digest }).executeTakeFirstOrThrow()
}
