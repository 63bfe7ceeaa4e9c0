import { Webhook } from 'standardwebhooks'
import { formatTime, type Instant } from '../kernel/instant.ts'
import { type MasterKey, open, seal } from '../kernel/master-key.ts'
import { randomOctets } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import type { SealedSecrets } from './channel.ts'

// The specification wants 24 to 64 bytes.
const secretOctets = 32

/** A new one, as the specification writes it: `whsec_` and base64. */
export const makeSigningSecret = (): SecretValue =>
  new SecretValue(`whsec_${randomOctets(secretOctets).toString('base64')}`)

/** To be kept. Each channel has a key of its own, so that a copied row signs nothing elsewhere. */
export const sealSecret = (masterKey: MasterKey, channelId: string, secret: SecretValue): Uint8Array =>
  seal(masterKey.channelKey(channelId), secret.reveal())

/** What is posted. */
export interface SignedMessage {
  readonly body: string
  readonly headers: Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>>
}

/**
 * By the Standard Webhooks specification. While a rotation overlaps both secrets sign, the new one first: a receiver verifies with
 * whichever it has.
 *
 * @param now of the attempt: receivers refuse what is more than five minutes off
 */
export function signMessage(
  masterKey: MasterKey,
  message: { readonly id: string; readonly channelId: string; readonly payload: string },
  secrets: SealedSecrets,
  now: Instant,
): SignedMessage {
  const { id, channelId, payload } = message
  const key = masterKey.channelKey(channelId)
  const overlapping = secrets.old !== null && secrets.old.until > now ? [secrets.old.sealed] : []
  const seconds = Math.floor(now / 1000)
  const signatures = [secrets.current, ...overlapping].map((sealed) =>
    new Webhook(open(key, sealed)).sign(id, new Date(formatTime(seconds * 1000)), payload),
  )
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  }
  return { body: payload, headers }
}
