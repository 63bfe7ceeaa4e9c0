import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import type { Key, SecretRecord } from './key.ts'
import { listSecrets, setSecretExpiry } from './key-store.ts'
import { endsOf, isLive } from './secret.ts'

/** The secrets of a key that live now, the primary first. */
export async function listLiveSecrets(tx: Tx, key: Key, now: Instant): Promise<SecretRecord[]> {
  const secrets = await listSecrets(tx, key.organizationId, key.id)
  return secrets.filter((secret) => isLive(secret, now)).sort((a, b) => a.slot.localeCompare(b.slot))
}

/** Moves the expiry of one secret. @returns the ends of the key, which the caller writes to it */
export async function moveExpiry(
  tx: Tx,
  key: Key,
  secret: SecretRecord,
  expiresAt: Instant,
  now: Instant,
): Promise<Pick<Key, 'firstEndAt' | 'lastEndAt'>> {
  await setSecretExpiry(tx, key.organizationId, secret.id, expiresAt)
  return endsOf(await listSecrets(tx, key.organizationId, key.id), now)
}
