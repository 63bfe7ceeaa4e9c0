import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

/** @returns whether it is the first of this caller with this code in this minute, on whichever node */
export async function claimRefusal(tx: Tx, caller: string, code: string, minute: Instant): Promise<boolean> {
  const row = await tx
    .insertInto('refused_calls')
    .values({ caller, code, minute: at(minute) })
    .onConflict((conflict) => conflict.doNothing())
    .returning('code')
    .executeTakeFirst()
  return row !== undefined
}

export async function forgetRefusals(reader: Reader, before: Instant): Promise<void> {
  await reader.deleteFrom('refused_calls').where('minute', '<', at(before)).execute()
}
