import { sendNotices } from '../notifications/send-notices.ts'
import type { Ground } from '../people/call.ts'
import { alertCallsAfterEnd } from './alert-calls.ts'
import { planReminders } from './plan-reminders.ts'
import { type DigestParts, sendDigests } from './send-digests.ts'
import { sendReviewLists } from './send-review.ts'

/**
 * All that is done about reminders every minute, on each node. What fails keeps none of the rest from being done.
 *
 * @param rest between batches of many, so that verdicts have the processor
 */
export async function tendReminders(ground: Ground, parts: DigestParts, rest?: () => Promise<void>): Promise<void> {
  const failures: unknown[] = []
  for (const work of [
    () => planReminders(ground, rest),
    () => alertCallsAfterEnd(ground),
    () => sendDigests(ground, parts),
    () => sendNotices(ground, parts.publicUrl),
    () => sendReviewLists(ground, parts.publicUrl),
  ])
    await work().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
