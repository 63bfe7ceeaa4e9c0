import type { Expiration, Reminder } from '@keyturn/contract'
import type { Acknowledgement } from '../keys/use-acknowledgements.ts'
import { type Need, plainNeed } from './need.ts'

type AcknowledgedBy = (subject: { id: string | null; endsAt: string | null }) => Acknowledgement | null

/** What ends, or is to be rotated; acknowledged, where somebody has said that they see to it. */
export function ofExpiration(one: Expiration, reminders: readonly Reminder[], acknowledgedBy: AcknowledgedBy): Need {
  const subject = one.secret_id ?? one.tracked_credential_id
  const told = reminders.find(({ subject_id, ends_at }) => subject_id === subject && ends_at === one.at)
  const acknowledged = acknowledgedBy({ id: subject, endsAt: one.at })
  return {
    ...plainNeed,
    id: one.id,
    place: one.key_id === null ? { page: 'expirations' } : { page: 'key', key: one.key_id },
    name: one.name,
    projectId: one.project_id,
    owner: one.owner,
    management: one.management,
    legacy: one.legacy,
    what: whatOf(one),
    detail: one.hint ?? one.issuer ?? '',
    at: one.at,
    lastUsedAt: one.last_used_at,
    tone: acknowledged ? 'idle' : one.type === 'rotation_due' ? 'warn' : 'bad',
    // The end of a JWT key is in its token.
    act: one.kind === 'tracked' ? 'none' : one.type === 'expiry' && one.kind !== 'jwt' ? 'extend' : 'rotation',
    reminder: told?.id ?? null,
    acknowledged,
  }
}

function whatOf({ type, status, in_use }: Expiration): string {
  if (type === 'rotation_due') return status === 'overdue' ? 'Rotation overdue' : 'Rotation due'
  if (type === 'overlap_end') return 'The old secret ends, and is in use'
  return in_use === true ? 'Ends, and is in use' : 'Ends'
}
