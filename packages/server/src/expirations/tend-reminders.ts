import type { Ground } from '../people/call.ts'
import { alertCallsAfterEnd } from './alert-calls.ts'
import { planReminders } from './plan-reminders.ts'
import { type DigestParts, sendDigests } from './send-digests.ts'

/** All that is done about reminders every minute, on each node. */
export async function tendReminders(ground: Ground, parts: DigestParts): Promise<void> {
  await planReminders(ground)
  await alertCallsAfterEnd(ground)
  await sendDigests(ground, parts)
}
