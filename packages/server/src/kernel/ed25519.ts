import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** What stands before the seed in PKCS #8 (RFC 8410 §7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The private key of a seed of 32 octets (RFC 8032 §5.1.5). */
export function ed25519KeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
}

/** Its public key, 32 octets: the end of its SPKI (RFC 8410 §4). */
export function ed25519PublicOctets(seed: Uint8Array): Buffer {
  return createPublicKey(ed25519KeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(-32)
}
