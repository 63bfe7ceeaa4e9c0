import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { sha256 } from '../kernel/digest.ts'

/** What the first event of a chain is linked to. */
export const genesisHash: Uint8Array = new Uint8Array(32)

/**
 * The link of an event: SHA-256 of the previous hash, the sequence in decimal, and the stored text. The text begins with `{`,
 * so that no digit of it can pass for one of the sequence. The database seals with the same rule (migration 0001).
 */
export function linkOf(previous: Uint8Array, sequence: number, body: string): Uint8Array {
  return sha256(Buffer.concat([previous, Buffer.from(`${sequence}${body}`, 'utf8')]))
}

const signedText = (chain: string, sequence: number, hash: Uint8Array) =>
  Buffer.from(`keyturn audit head\n${chain}\n${sequence}\n${Buffer.from(hash).toString('hex')}`, 'utf8')

export function signHead(key: KeyObject, chain: string, sequence: number, hash: Uint8Array): Uint8Array {
  return sign(null, signedText(chain, sequence, hash), key)
}

export function isHeadSigned(
  key: KeyObject,
  chain: string,
  sequence: number,
  hash: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(null, signedText(chain, sequence, hash), createPublicKey(key), signature)
}
