import type { MasterKey } from '../kernel/master-key.ts'
import type { Tx } from '../storage/database.ts'
import type { Channel } from './channel.ts'
import { findChannel, insertChannel } from './channel-store.ts'
import { makeSigningSecret, sealSecret } from './signing-secret.ts'

/**
 * Channels of another installation, all of them disabled: its receivers are told by that one, until somebody says otherwise. Webhooks sign with a
 * secret that nobody has been shown; it is rotated before they are of use.
 *
 * @returns the id of the first that is here already; null: all were made
 */
export async function restoreChannels(
  tx: Tx,
  masterKey: MasterKey,
  organizationId: string,
  channels: readonly Omit<Channel, 'organizationId' | 'enabled' | 'disabledReason' | 'oldSecretUntil'>[],
): Promise<string | null> {
  for (const channel of channels) {
    if (await findChannel(tx, null, channel.id)) return channel.id
    const sealed = channel.kind === 'webhook' ? sealSecret(masterKey, channel.id, makeSigningSecret()) : null
    const restored = { ...channel, organizationId, enabled: false, disabledReason: null, oldSecretUntil: null }
    await insertChannel(tx, organizationId, restored, sealed)
  }
  return null
}
