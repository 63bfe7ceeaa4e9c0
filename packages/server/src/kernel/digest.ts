import { hash, timingSafeEqual } from 'node:crypto'

/** In octets. */
export const digestLength = 32

/** SHA-256, what is kept of a secret. Enough for values of 190 random bits (OWASP ASVS 5, 6.5.2); a slow hash is for passwords. */
export function sha256(value: string | Uint8Array): Buffer {
  return hash('sha256', value, 'buffer')
}

/** The same 32 bytes as a Latin-1 string: half the memory of hex, and made in a third of the time of a buffer. */
export function sha256Text(value: string): string {
  // `binary` is what Node's types call it.
  return hash('sha256', value, 'binary')
}

/** Are two marks the same? In a time that says nothing of where they part. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}
