import { crc32 } from 'node:zlib'
import type { Environment, KeyKind } from '@keyturn/contract'
import { isIdOf } from '../kernel/ids.ts'
import { randomBase62 } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 32
const checksumLength = 6

/** The shortest and longest strings that may be a key that another system issued, and the longest JWT. */
export const shortestForeign = 16
export const longestForeign = 512
export const longestJwt = 4096

/** What every JWT begins with: the first of a JSON object, in base64url. */
export const jwtHead = 'eyJ'

/** What a value of this kind and environment begins with, as `kt_live_`, `kt_pub_test_`. */
export function prefixOf(keyPrefix: string, kind: KeyKind, environment: Environment): string {
  return `${keyPrefix}_${kind === 'publishable' ? 'pub_' : ''}${environment}_`
}

/** All that values of this installation begin with. */
export function prefixesOf(keyPrefix: string): string[] {
  return [`${keyPrefix}_live_`, `${keyPrefix}_test_`, `${keyPrefix}_pub_live_`, `${keyPrefix}_pub_test_`]
}

/** 32 random base62 characters (190 bits) between the prefix and the checksum. */
export function mintValue(prefix: string): SecretValue {
  const body = `${prefix}${randomBase62(randomLength)}`
  return new SecretValue(`${body}${checksumOf(body)}`)
}

/** CRC-32 of all before, as 6 base62 characters: finds a typo, and lets a scanner know a leaked key, without a look-up. */
export function checksumOf(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let place = 0; place < checksumLength; place++, rest = Math.floor(rest / 62)) text = base62[rest % 62] + text
  return text
}

/** Prefix, first four and last four characters: enough to tell one's keys apart, useless to anybody else. */
export function hintOf(prefix: string, value: SecretValue): string {
  const text = value.reveal()
  return `${text.slice(0, prefix.length + 4)}…${text.slice(-4)}`
}

export type Shape = 'ours' | 'wrong checksum' | 'other'

/** Only the exact shape of ours with a wrong checksum need not be looked up: nobody can have been given it. */
export function shapeOf(presented: string, keyPrefix: string): Shape {
  const prefix = prefixesOf(keyPrefix).find((candidate) => presented.startsWith(candidate))
  if (prefix === undefined || presented.length !== prefix.length + randomLength + checksumLength) return 'other'
  if (!/^[0-9A-Za-z]+$/.test(presented.slice(prefix.length))) return 'other'
  const body = presented.slice(0, -checksumLength)
  return checksumOf(body) === presented.slice(-checksumLength) ? 'ours' : 'wrong checksum'
}

export interface Miss {
  readonly code: 'MALFORMED' | 'NOT_FOUND'
  readonly hint: string
}

/**
 * Why a value that no key has was refused, in words for whoever sent it. Never repeats the value: hints end up in logs.
 */
export function explainMiss(presented: string, keyPrefix: string): Miss {
  const dirt = findDirt(presented)
  if (dirt.length > 0) return malformed(`The value has ${listOf(dirt)}. Send the bare value, as it was shown.`)
  const prefix = prefixesOf(keyPrefix).find((candidate) => presented.startsWith(candidate))
  if (prefix !== undefined) return explainOurs(presented, prefix)
  if (isTokenOfOurs(presented)) return explainToken(presented)
  if (presented.length < shortestForeign)
    return malformed(`The value is too short for a key: ${presented.length} characters.`)
  const longest = isJwtShaped(presented) ? longestJwt : longestForeign
  if (presented.length > longest) return malformed(`The value is too long for a key: ${presented.length} characters.`)
  return {
    code: 'NOT_FOUND',
    hint: 'No key with this value is known here. It may belong to another account or installation.',
  }
}

function explainOurs(presented: string, prefix: string): Miss {
  const whole = prefix.length + randomLength + checksumLength
  const body = presented.slice(prefix.length)
  const stray = /[^0-9A-Za-z]/.exec(body)
  if (stray) {
    return malformed(
      `Character ${prefix.length + stray.index + 1} of the value is one that keys do not have. Copy it again.`,
    )
  }
  if (presented.length < whole) {
    return malformed(`The value is cut off: it has ${presented.length} of ${whole} characters. Copy the whole value.`)
  }
  if (presented.length > whole) {
    return malformed(`The value is too long: it has ${presented.length} characters instead of ${whole}. Copy it again.`)
  }
  if (shapeOf(presented, prefix.slice(0, prefix.indexOf('_'))) === 'wrong checksum') {
    return malformed('The checksum is wrong: at least one character was changed. Copy the value again.')
  }
  return {
    code: 'NOT_FOUND',
    hint: 'The value is well formed, but no key has it here. It may belong to another installation.',
  }
}

/** An Ed25519 signature is 64 octets (RFC 8032 §5.1.6). */
const signatureLength = 86

/**
 * Does it begin with the whole header of a token as ours have it? Of anything less nobody knows what it was.
 */
function isTokenOfOurs(presented: string): boolean {
  const dot = presented.indexOf('.')
  if (!presented.startsWith(jwtHead) || dot < 0 || dot > longestForeign) return false
  try {
    const header: unknown = JSON.parse(Buffer.from(presented.slice(0, dot), 'base64url').toString())
    if (typeof header !== 'object' || header === null) return false
    const { typ, kid } = header as { typ?: unknown; kid?: unknown }
    return typ === 'at+jwt' && typeof kid === 'string' && isIdOf('signingKey', kid)
  } catch {
    return false
  }
}

function explainToken(presented: string): Miss {
  const stray = /[^\w.-]/.exec(presented)
  if (stray) {
    return malformed(`Character ${stray.index + 1} of the token is one that tokens do not have. Copy it again.`)
  }
  const [, payload = '', signature = '', ...more] = presented.split('.')
  if (more.length > 0 || signature.length > signatureLength) {
    return malformed('The token is too long: something was added to its end. Copy it again.')
  }
  if (payload === '' || signature.length < signatureLength) {
    return malformed('The token is cut off: the end of its signature is missing. Copy the whole token.')
  }
  return {
    code: 'NOT_FOUND',
    hint: 'The token is well formed, but no key has it here. It was altered, or belongs to another installation.',
  }
}

const quotes = '"\'`“”‘’«»'
const whiteSpaceBefore = /\s+/y
const quotesBefore = new RegExp(`[${quotes}]+`, 'y')
const bearerBefore = /bearer(?:\s+|:\s*|$)/iy

/**
 * White space, quotes, `Bearer `: what gets into a header or a settings file beside the value, in any combination. One walk from
 * each end, each character looked at once: a caller chooses this text, and must not choose how long it takes.
 */
function findDirt(presented: string): string[] {
  let [hasSpace, hasQuotes, hasBearer] = [false, false, false]
  let end = presented.length
  for (; end > 0; end--) {
    const last = presented.charAt(end - 1)
    if (/\s/.test(last)) hasSpace = true
    else if (quotes.includes(last)) hasQuotes = true
    else break
  }
  const rest = presented.slice(0, end)
  let begin = 0
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = begin
    const found = pattern.test(rest)
    if (found) begin = pattern.lastIndex
    return found
  }
  for (let skipping = true; skipping; ) {
    skipping = false
    if (skip(whiteSpaceBefore)) skipping = hasSpace = true
    if (skip(quotesBefore)) skipping = hasQuotes = true
    if (skip(bearerBefore)) skipping = hasBearer = true
  }
  return [
    ...(hasSpace ? ['white space around it'] : []),
    ...(hasQuotes ? ['quotes around it'] : []),
    ...(hasBearer ? ['`Bearer ` left in it'] : []),
    ...(/\s/.test(rest.slice(begin)) ? ['white space in it'] : []),
  ]
}

const isJwtShaped = (text: string) => /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(text)

const malformed = (hint: string): Miss => ({ code: 'MALFORMED', hint })

const listOf = (parts: string[]) =>
  parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
