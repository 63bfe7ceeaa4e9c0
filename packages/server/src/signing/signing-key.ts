import type { Actor, SigningKeyStatus } from '@keyturn/contract'
import { type Instant, never } from '../kernel/instant.ts'

/** A key that signs tokens and status lists, without its private half. */
export interface SigningKey {
  readonly id: string
  /** In the order in which they were made. */
  readonly number: number
  /** 32 octets. */
  readonly publicKey: Uint8Array
  readonly createdAt: Instant
  readonly createdBy: Actor
  /** It is published before it signs, so that no verifier meets a token whose key it cannot find. */
  readonly signsFrom: Instant
  readonly withdrawnAt: Instant | null
  /** The end of the last token under its signature; null: there is none. */
  readonly lastTokenEndsAt: Instant | null
}

/** How long before it signs a key is published: longer than the ten minutes for which verifiers keep a set (jose's default). */
export const publishedAheadMs = 15 * 60_000
/** For how long after its last use a key stays published: verifiers allow for clocks that are wrong, and status lists outlive their key. */
const lingersMs = 3_600_000

/** Until when it signs: the next one takes over. Never: nobody knows yet. */
export function signsUntil(key: SigningKey, all: readonly SigningKey[]): Instant {
  const later = all.filter((other) => other.number > key.number && other.withdrawnAt === null)
  return Math.min(key.withdrawnAt ?? never, ...later.map((other) => other.signsFrom))
}

/** Derived from the clock, like the states of secrets. */
export function signingKeyStatusAt(key: SigningKey, all: readonly SigningKey[], now: Instant): SigningKeyStatus {
  if (key.withdrawnAt !== null) return 'withdrawn'
  if (key.signsFrom > now) return 'published'
  return signsUntil(key, all) > now ? 'signing' : 'retired'
}

/** Is it in the set that verifiers read? Until the last that it signed has ended; a withdrawn one no more. */
export function isPublishedAt(key: SigningKey, all: readonly SigningKey[], now: Instant): boolean {
  const status = signingKeyStatusAt(key, all, now)
  if (status !== 'retired') return status !== 'withdrawn'
  return now < Math.max(signsUntil(key, all), key.lastTokenEndsAt ?? -never) + lingersMs
}

/** As a JSON Web Key (RFC 8037 §2). */
export const toJwk = ({ id, publicKey }: Pick<SigningKey, 'id' | 'publicKey'>) => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(publicKey).toString('base64url'),
  kid: id,
  alg: 'EdDSA',
  use: 'sig',
})
