import { inflateSync } from 'node:zlib'
import type { Key, Secret } from '@keyturn/contract'
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { ed25519KeyOf } from '../../src/kernel/ed25519.ts'
import { open } from '../../src/kernel/master-key.ts'
import type { Engine } from './engines.ts'
import { type Answer, type Keyturn, openKeyturn } from './keyturn.ts'
import { findFreePort } from './processes.ts'

/** A key of kind `jwt` with its token. */
export interface TokenKey {
  readonly key: Key
  readonly secret: Secret & { value: string }
}

/** A Keyturn under an address that was known before it started, as verifiers want it: it is in every token. */
export async function openIssuer(engine: Engine): Promise<Keyturn> {
  const port = await findFreePort()
  return openKeyturn(engine, { KEYTURN_PORT: `${port}`, KEYTURN_PUBLIC_URL: `http://127.0.0.1:${port}` })
}

export const createTokenKey = (keyturn: Keyturn, fields: object = {}, project = 'default'): Promise<TokenKey> =>
  keyturn.createKey(project, { kind: 'jwt', ...fields })

export const claimsIn = (token: string): any => decodeJwt(token)
export const headerIn = (token: string): any => decodeProtectedHeader(token)

/** What anybody can do who knows the address alone, at the time that the tests are at. */
export function verifyPlainly(keyturn: Keyturn, token: string, typ = 'at+jwt') {
  const keys = createRemoteJWKSet(new URL(`${keyturn.url}/.well-known/jwks.json`))
  const options = { algorithms: ['EdDSA'], typ, issuer: keyturn.url, currentDate: new Date(keyturn.clock.now()) }
  return jwtVerify(token, keys, options)
}

/** The public keys as they are published. */
export async function readJwks({ request }: Keyturn): Promise<{ answer: Answer; keys: JWK[] }> {
  const answer = await request<{ keys: JWK[] }>('GET', '/.well-known/jwks.json', { key: null })
  return { answer, keys: answer.body.keys }
}

/** Reads a Status List Token as the specification describes it (§8.3), with no code of ours. */
export async function readStatus(keyturn: Keyturn, token: string): Promise<number> {
  const { idx, uri } = claimsIn(token).status.status_list
  const { payload } = await verifyPlainly(keyturn, await (await fetch(uri)).text(), 'statuslist+jwt')
  return statusIn(payload, idx)
}

/** @param claims of a list whose signature was looked at */
export function statusIn(claims: JWTPayload, index: number): number {
  const { bits, lst } = claims['status_list'] as { bits: number; lst: string }
  return statusAt(inflateSync(Buffer.from(lst, 'base64url')), bits, index)
}

/** The list as a row of bits, each octet from its least significant one on; a status is read from its first bit up. */
export function statusAt(octets: Uint8Array, bits: number, index: number): number {
  const row = [...octets].flatMap((octet) => [...octet.toString(2).padStart(8, '0')].reverse())
  const own = row.slice(index * bits, (index + 1) * bits)
  if (own.length < bits) throw new RangeError(`the list has no place ${index}`)
  return Number.parseInt(own.reverse().join(''), 2)
}

/** Private keys as the database and the master key together give them: for tokens that only the issuer could have made. */
export async function openSigningKeys({ database, masterKey }: Keyturn): Promise<{ id: string; seed: Buffer }[]> {
  const rows = await database.reader.selectFrom('signing_keys').selectAll().orderBy('number').execute()
  return rows.map(({ id, sealed_private_key }) => ({
    id,
    seed: Buffer.from(open(masterKey.tokenSealKey(), sealed_private_key), 'base64url'),
  }))
}

/** A token under the signature of the issuer itself, with whatever is said here. */
export async function signAsIssuer(keyturn: Keyturn, claims: JWTPayload, header: object = {}): Promise<string> {
  const key = (await openSigningKeys(keyturn)).at(-1)
  if (!key) throw new Error('there is no signing key yet')
  const own = { alg: 'EdDSA', typ: 'at+jwt', kid: key.id, ...header }
  return new SignJWT(claims).setProtectedHeader(own).sign(ed25519KeyOf(key.seed))
}
