import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { LinkSubject, Wish } from './action-links.ts'

/**
 * Notes that it was asked for. What was asked for until `forgottenUntil` may be asked for again.
 *
 * @returns false where it was asked for since then: of two at once one is the first
 */
export async function noteRequest(
  tx: Tx,
  organizationId: string,
  { subjectId, recipient }: Pick<LinkSubject, 'subjectId' | 'recipient'>,
  wish: Wish,
  times: { readonly now: Instant; readonly forgottenUntil: Instant },
): Promise<boolean> {
  await tx
    .deleteFrom('change_requests')
    .where('organization_id', '=', organizationId)
    .where('requested_at', '<=', at(times.forgottenUntil))
    .execute()
  const row = await tx
    .insertInto('change_requests')
    .values({
      organization_id: organizationId,
      subject_id: subjectId,
      recipient,
      wish,
      requested_at: at(times.now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('wish')
    .executeTakeFirst()
  return row !== undefined
}
