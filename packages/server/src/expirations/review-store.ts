import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

/** An organization that is to be looked at; what another node is at is left to it. */
export async function claimReview(tx: Tx, now: Instant): Promise<string | undefined> {
  const row = await tx
    .selectFrom('organizations')
    .select('id')
    .where('review_look_at', '<=', at(now))
    .orderBy('review_look_at')
    .limit(1)
    .forNoKeyUpdate()
    .skipLocked()
    .executeTakeFirst()
  return row?.id
}

export async function setReviewLook(tx: Tx, organizationId: string, lookAt: Instant): Promise<void> {
  await tx
    .updateTable('organizations')
    .set({ review_look_at: at(lookAt) })
    .where('id', '=', organizationId)
    .execute()
}
