import { randomBytes } from 'node:crypto'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** @returns bytes from the operating system's CSPRNG */
export function randomOctets(count: number): Buffer {
  return randomBytes(count)
}

/** @returns characters drawn evenly from 0-9 A-Z a-z: bytes of 248 and above are drawn again, or some would come more often */
export function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const octet of randomBytes(length - text.length)) {
      if (octet < 248) text += base62[octet % 62]
    }
  }
  return text
}
