import type { Environment } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import { placesPerList } from './status-list.ts'

/** Longer ones are in no header, and verify takes none. */
export const longestToken = 4096

/** What a token is issued about. */
export interface TokenSubject {
  readonly secretId: string
  readonly keyId: string
  readonly projectId: string
  readonly environment: Environment
  readonly scopes: readonly string[]
  /** In whole seconds. */
  readonly expiresAt: Instant
}

/** Where its verifiers look up whether it was revoked. */
export interface StatusPlace {
  readonly statusListId: string
  readonly statusIndex: number
}

export const statusListUri = (issuer: string, listId: string): string => `${issuer}/status-lists/${listId}`

/** RFC 9068 §2.2, with the environment, which a verifier could not tell otherwise. An empty scope there is not (RFC 6749 §3.3). */
export const claimsOf = (
  subject: TokenSubject,
  { statusListId, statusIndex }: StatusPlace,
  issuer: string,
  now: Instant,
) => ({
  iss: issuer,
  aud: subject.projectId,
  sub: subject.keyId,
  client_id: subject.keyId,
  jti: subject.secretId,
  iat: Math.floor(now / 1000),
  nbf: Math.floor(now / 1000),
  exp: subject.expiresAt / 1000,
  environment: subject.environment,
  ...(subject.scopes.length > 0 && { scope: subject.scopes.join(' ') }),
  status: { status_list: { idx: statusIndex, uri: statusListUri(issuer, statusListId) } },
})

const latestSecond = Date.UTC(10_000, 0)
const id = 'x'.repeat(30)
const head = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: id }))
const signatureLength = 86

/**
 * Nobody is to be given scopes that the next token of the key could not hold: so it goes by the longest that such a token can be.
 *
 * @throws DomainError jwt_too_long
 */
export function refuseLongToken(scopes: readonly string[], issuer: string): void {
  const ids = { secretId: id, keyId: id, projectId: id, environment: 'live' } as const
  const place = { statusListId: id, statusIndex: placesPerList - 1 }
  const claims = claimsOf({ ...ids, scopes, expiresAt: latestSecond }, place, issuer, latestSecond)
  const [header, payload] = [head, Buffer.from(JSON.stringify(claims))].map((part) => part.toString('base64url').length)
  const length = (header ?? 0) + (payload ?? 0) + signatureLength + 2
  if (length > longestToken) throw new DomainError('jwt_too_long', { length, limit: longestToken })
}
