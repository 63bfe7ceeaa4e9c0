import { DomainError } from '../kernel/errors.ts'
import type { Call } from '../people/call.ts'
import { changeKey } from './change-key.ts'
import { refuseToChange, refuseToDisable } from './state.ts'
import type { KeyView } from './view-keys.ts'

/**
 * Refuses every request with this key until it is enabled again. Nothing else about the key changes.
 * Disabling a disabled key is a success without an event: the caller already has what it wants.
 *
 * @throws DomainError key_not_found, key_revoked, legacy_key_cannot_be_disabled
 */
export function disableKey(call: Call, keyId: string): Promise<KeyView> {
  return changeKey(call, keyId, async (key) => {
    const refusal = refuseToDisable(key)
    if (refusal) throw new DomainError(refusal)
    if (key.state === 'disabled') return null
    return {
      action: 'key.disabled',
      set: { state: 'disabled' },
      before: { state: key.state },
      after: { state: 'disabled' },
      affectsVerdicts: true,
    }
  })
}

/**
 * Lets a disabled key work again, for as long as its secrets live. Enabling one that is not disabled changes nothing.
 *
 * @throws DomainError key_not_found, key_revoked
 */
export function enableKey(call: Call, keyId: string): Promise<KeyView> {
  return changeKey(call, keyId, async (key) => {
    const refusal = refuseToChange(key)
    if (refusal) throw new DomainError(refusal)
    if (key.state === 'active') return null
    return {
      action: 'key.enabled',
      set: { state: 'active' },
      before: { state: key.state },
      after: { state: 'active' },
      affectsVerdicts: true,
    }
  })
}
