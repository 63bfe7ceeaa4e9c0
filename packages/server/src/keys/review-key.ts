import { DomainError } from '../kernel/errors.ts'
import { formatTime, type Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import { changeKey } from './change-key.ts'
import { refuseToChange } from './state.ts'
import type { KeyView } from './view-keys.ts'

/**
 * Somebody has looked at a key and found it right: the time in which the policy wants it reviewed begins anew.
 *
 * @throws DomainError insufficient_scope, key_not_found, key_revoked
 */
export function reviewKey(call: Call, keyId: string): Promise<KeyView> {
  return changeKey(call, keyId, async (key, now) => {
    const refusal = refuseToChange(key)
    if (refusal) throw new DomainError(refusal)
    const text = (time: Instant | null) => (time === null ? null : formatTime(time))
    return {
      action: 'key.reviewed',
      set: { reviewedAt: now },
      before: { reviewed_at: text(key.reviewedAt) },
      after: { reviewed_at: text(now) },
      affectsVerdicts: false,
    }
  })
}
