import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { changeKey, type KeyChange } from './change-key.ts'
import { findKeyToChange } from './find-key.ts'
import type { Key } from './key.ts'
import { listSecrets, revokeSecrets } from './key-store.ts'
import { endsOf } from './secret.ts'
import { refuseToDelete, refuseToRevoke } from './state.ts'
import type { KeyView } from './view-keys.ts'

/**
 * Ends a key for ever, with all its secrets. The record stays. Revoking a revoked key changes nothing, not even the reason.
 *
 * @throws DomainError key_not_found, legacy_key_cannot_be_revoked
 */
export function revokeKey(call: Call, keyId: string, reason: string | null): Promise<KeyView> {
  return changeKey(call, keyId, async (key, now, tx) => {
    const refusal = refuseToRevoke(key)
    if (refusal) throw new DomainError(refusal)
    if (key.state === 'revoked') return null
    return {
      action: 'key.revoked',
      set: { state: 'revoked', revokedReason: reason, ...(await endSecrets(tx, key, now)) },
      before: { state: key.state },
      after: { state: 'revoked', reason },
      affectsVerdicts: true,
    }
  })
}

/**
 * Takes a key out of sight; it is revoked first if need be. Its digests and its history stay, so that the value can never
 * become valid again and who did what can still be told.
 *
 * @throws DomainError confirmation_required, key_not_found, legacy_key_cannot_be_deleted
 */
export async function deleteKey(call: Call, keyId: string, confirmation: string | undefined): Promise<void> {
  await findKeyToChange(call, keyId)
  if (confirmation !== 'DELETE') throw new DomainError('confirmation_required', { confirm: 'DELETE' })
  await changeKey(call, keyId, async (key, now, tx): Promise<KeyChange> => {
    const refusal = refuseToDelete(key)
    if (refusal) throw new DomainError(refusal)
    const ends = key.state === 'revoked' ? {} : await endSecrets(tx, key, now)
    return {
      action: 'key.deleted',
      set: { state: 'deleted', ...ends },
      before: { state: key.state },
      after: { state: 'deleted' },
      affectsVerdicts: true,
    }
  })
}

async function endSecrets(tx: Tx, key: Key, now: Instant) {
  await revokeSecrets(tx, key.organizationId, key.id, now)
  return endsOf(await listSecrets(tx, key.organizationId, key.id), now)
}
