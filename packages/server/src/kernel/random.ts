import { randomBytes, randomFillSync } from 'node:crypto'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** @returns bytes from the operating system's CSPRNG */
export function randomOctets(count: number): Buffer {
  return randomBytes(count)
}

const pool = Buffer.alloc(4096)
let drawn = pool.length

/**
 * The same, some thousands drawn at once: for what is made by the thousand and is no secret.
 *
 * @param count at most 4,096
 * @returns a view of the pool: to be read before the next call
 */
export function pooledOctets(count: number): Uint8Array {
  if (drawn + count > pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  return pool.subarray(drawn, (drawn += count))
}

/** @returns evenly drawn from 0 up to 1, without 1. For spreading what would come at once; nobody must not guess it */
export function randomFraction(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32
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
