/** What can be told of a token without keeping it: enough to know it again, and when it ends. */
export interface TokenFacts {
  /** SHA-256 of the whole token, in hexadecimal. */
  readonly fingerprint: string
  readonly iss?: string
  readonly sub?: string
  readonly kid?: string
  /** Seconds since 1970. A token without one never expires, as far as it says. */
  readonly exp?: number
}

/**
 * Reads a JWT (RFC 7519, in the compact form of RFC 7515) where it is, in the browser or on the machine that has it: what is sent on are
 * facts. Its signature is not checked; nobody relies on what it says but for knowing when it ends.
 *
 * @returns null where it is none
 */
export async function readToken(pasted: string): Promise<TokenFacts | null> {
  const token = pasted.trim().replace(/^Bearer\s+/i, '')
  const [header, claims, ...rest] = token.split('.')
  if (header === undefined || claims === undefined || rest.length !== 1) return null
  const [protectedHeader, payload] = [decodePart(header), decodePart(claims)]
  if (!protectedHeader || !payload || typeof protectedHeader['alg'] !== 'string') return null
  const exp = payload['exp']
  // NumericDate (§2) may have a fraction; a whole second before it is soon enough.
  if (exp !== undefined && (typeof exp !== 'number' || !Number.isFinite(exp) || exp < 0)) return null
  return {
    fingerprint: await fingerprintOf(token),
    ...textOf('iss', payload['iss']),
    ...textOf('sub', payload['sub']),
    ...textOf('kid', protectedHeader['kid']),
    ...(exp !== undefined && { exp: Math.floor(exp) }),
  }
}

/** SHA-256 in hexadecimal: of any value, so that it is known again where it is no JWT. */
export async function fingerprintOf(value: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(value))
  return [...new Uint8Array(digest)].map((octet) => octet.toString(16).padStart(2, '0')).join('')
}

const textOf = (name: 'iss' | 'sub' | 'kid', value: unknown) =>
  typeof value === 'string' && value !== '' ? { [name]: value } : {}

/** Base64url without padding (RFC 7515 §2), of one JSON object in UTF-8. */
function decodePart(part: string): Record<string, unknown> | null {
  if (!/^[\w-]+$/.test(part)) return null
  try {
    const octets = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (unit) => unit.charCodeAt(0))
    const decoded: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets))
    return isObject(decoded) ? decoded : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
