import { hash } from 'node:crypto'

/** SHA-256, what is kept of a secret. Enough for values of 190 random bits (OWASP ASVS 5, 6.5.2); a slow hash is for passwords. */
export function sha256(value: string | Uint8Array): Buffer {
  return hash('sha256', value, 'buffer')
}
