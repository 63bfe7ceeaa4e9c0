import { type JWTPayload, SignJWT } from 'jose'
import { ed25519KeyOf } from '../kernel/ed25519.ts'
import { open } from '../kernel/master-key.ts'
import type { SealedSigningKey } from './signing-key-store.ts'

/** What is signed, as its header says: a verifier takes none for the other (RFC 8725 §3.11). */
export type TokenType = 'at+jwt' | 'statuslist+jwt'

/** A JWS in its compact form (RFC 7515 §7.1), by Ed25519 (RFC 8037 §3.1). */
export function signToken(
  { id, sealedPrivateKey }: SealedSigningKey,
  sealKey: Uint8Array,
  typ: TokenType,
  claims: JWTPayload,
): Promise<string> {
  const seed = Buffer.from(open(sealKey, sealedPrivateKey), 'base64url')
  return new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ, kid: id }).sign(ed25519KeyOf(seed))
}
