import { createCipheriv, createDecipheriv, createHmac, hkdfSync, type KeyObject } from 'node:crypto'
import { ed25519KeyOf } from './ed25519.ts'
import { randomOctets } from './random.ts'

/**
 * The installation's own secret, 32 bytes. It is never used itself: each use has a key of its own, derived by HKDF-SHA-256
 * (RFC 5869) with the name of the use, so that one cannot stand for another.
 */
export class MasterKey {
  readonly #octets: Uint8Array

  /** @param octets exactly 32 */
  constructor(octets: Uint8Array) {
    if (octets.length !== 32) throw new RangeError('a master key has 32 bytes')
    this.#octets = octets
  }

  #derive(use: string, salt: string | Uint8Array = ''): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#octets, salt, `keyturn/${use}`, 32))
  }

  /** Kept in the database, so that a process with another master key notices before it writes anything. */
  checkValue(): Buffer {
    return this.#derive('check')
  }

  /** The Ed25519 key (RFC 8032) that signs the heads of the audit chains. */
  auditSigningKey(): KeyObject {
    return ed25519KeyOf(this.#derive('audit-signature'))
  }

  /** What better-auth signs its cookies and encrypts the secrets of second factors with. */
  signInSecret(): string {
    return this.#derive('sign-in').toString('base64url')
  }

  /** Marks a device that somebody has signed in with, so that guesses from elsewhere do not lock it out. */
  deviceMark(email: string, nonce: string): string {
    return createHmac('sha256', this.#derive('device')).update(`${nonce}\n${email}`).digest('base64url')
  }

  /** The mark of a link that makes the first owner, until a time. Whoever can print one has the data directory or the settings. */
  setUpMark(expiresAt: number): string {
    return createHmac('sha256', this.#derive('set-up')).update(String(expiresAt)).digest('base64url')
  }

  /** Seals what the links in mails are about. */
  actionLinkKey(): Uint8Array {
    return this.#derive('action-links')
  }

  /** Of a channel: what its signing secrets are kept under, so that a copy of the database signs nothing. */
  channelKey(channelId: string): Uint8Array {
    return this.#derive('channel', channelId)
  }

  /** What the keys that sign tokens are kept under, so that a copy of the database signs none. */
  tokenSealKey(): Uint8Array {
    return this.#derive('token-signing-keys')
  }

  /**
   * For an answer that holds a secret: the key takes the caller's own bearer too, so that neither the database with the master
   * key nor the bearer alone opens it.
   */
  answerKey(bearer: string): Uint8Array {
    return Buffer.from(hkdfSync('sha256', bearer, this.#octets, 'keyturn/idempotent-answer', 32))
  }
}

/** AES-256-GCM. @returns nonce (12 bytes), tag (16), ciphertext, in that order */
export function seal(key: Uint8Array, plaintext: string): Buffer {
  const nonce = randomOctets(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext])
}

/** The other way around. @throws where key or content do not fit */
export function open(key: Uint8Array, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
  decipher.setAuthTag(sealed.subarray(12, 28))
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')
}
