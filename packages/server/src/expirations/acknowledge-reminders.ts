import type { Actor } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'

export async function acknowledgeReminders(
  _call: Call,
  _organizationId: string,
  _subjectId: string,
  _endsAt: Instant,
  _by: Actor,
): Promise<void> {}
