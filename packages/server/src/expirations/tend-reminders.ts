import { sendNotices } from '../notifications/send-notices.ts'
import type { Ground } from '../people/call.ts'
import { alertCallsAfterEnd } from './alert-calls.ts'
import { planReminders } from './plan-reminders.ts'
import { type DigestParts, sendDigests } from './send-digests.ts'
import { sendReviewLists } from './send-review.ts'

/** All that is done about reminders every minute, on each node. */
export async function tendReminders(ground: Ground, parts: DigestParts): Promise<void> {
  await planReminders(ground)
  await alertCallsAfterEnd(ground)
  await sendDigests(ground, parts)
  await sendNotices(ground, parts.publicUrl)
  await sendReviewLists(ground, parts.publicUrl)
}
