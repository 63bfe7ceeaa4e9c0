import { deflateSync } from 'node:zlib'
import { type Instant, seconds } from '../kernel/instant.ts'

/** What is said of a token that is not valid (Token Status List §7.1). */
export const listedStatuses = { invalid: 1, suspended: 2 } as const
export type ListedStatus = keyof typeof listedStatuses

/** Bits for each token. */
export const statusBits = 2
/** Tokens that have a place in one list: 32 KiB before it is compressed. */
export const placesPerList = 131_072

/** For how long a verifier keeps a list before it asks anew. */
export const statusListTtlSeconds = 60
/**
 * After it no verifier goes by a list: whatever caches lie between, and however long a node was cut off, by then a revocation has come to
 * every one of them.
 */
export const statusListLifeSeconds = 120

/** Two bits for each token, from the least significant ones of each octet on (§4.1), compressed by ZLIB (RFC 1950), in base64url. */
export function packStatuses(refused: readonly { index: number; status: ListedStatus }[]): string {
  const octets = new Uint8Array((placesPerList * statusBits) / 8)
  for (const { index, status } of refused) {
    const bit = index * statusBits
    octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (listedStatuses[status] << (bit & 7))
  }
  return deflateSync(octets, { level: 9 }).toString('base64url')
}

/** By when everybody has learnt of what was committed before now: no list from before it is good any longer. */
export const knownOfflineBy = (now: Instant): Instant => Math.ceil(now / 1000) * 1000 + seconds(statusListLifeSeconds)
