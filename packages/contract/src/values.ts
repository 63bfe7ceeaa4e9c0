import { z } from 'zod'

// Control characters, line separators, bidirectional overrides, lone surrogates: nothing a person types into a one-line
// field, and each of them has been used to make one text look like another, or to break out of a mail header or a CSV row.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066-\u2069]/u
export const isPrintable = (text: string): boolean => !unprintable.test(text)
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

/** One line of text that a person wrote. Trimmed, NFC, 1 to `max` characters, at least one of them visible. */
export const lineOfText = (max: number) =>
  z
    .string()
    .max(max * 4)
    .transform((text) => text.trim().normalize('NFC'))
    .refine((text) => text.length > 0, 'must not be empty')
    .refine((text) => [...text].length <= max, `must have at most ${max} characters`)
    .refine(
      (text) => !unprintable.test(text),
      'must not contain control characters, line breaks or direction overrides',
    )
    .refine((text) => text.length === 0 || visible.test(text), 'must contain at least one visible character')
    .meta({ type: 'string', maxLength: max })

/** Text of several lines that a person wrote: as a line, but for line breaks and tabs. */
export const paragraph = (max: number) =>
  z
    .string()
    .max(max * 4)
    .transform((text) => text.trim().normalize('NFC'))
    .refine((text) => [...text].length <= max, `must have at most ${max} characters`)
    .refine((text) => !unprintable.test(text.replace(/[\n\t]/g, '')), 'must not contain control characters')
    .meta({ type: 'string', maxLength: max })

/** Text that is kept nowhere, only compared and searched for. No database has a NUL in a text, and none takes one. */
export const plainText = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => !text.includes('\0'), 'must not contain NUL')

/** The address of a person or a team. Kept in lower case, so that one mailbox is one owner. */
export const emailAddress = z.email('must be an e-mail address').max(254).toLowerCase()

/** A name for URLs. Never looks like an id: those contain an underscore. */
export const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and -, not at the ends')

/** The caller's own id for an organization or a project. */
export const externalId = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')

/** RFC 3339, any offset. Answers always use UTC with milliseconds. */
export const timestamp = z.iso
  .datetime({ offset: true, message: 'must be an RFC 3339 time, as 2027-03-01T12:00:00Z' })
  .refine((text) => Number.isFinite(Date.parse(text)), 'must be a time that exists')
  .refine((text) => Date.parse(text) >= 0, 'must not be before 1970')
  // With an offset the last hours of 9999 are in 10000, which neither RFC 3339 nor the answers could write.
  .refine((text) => !(Date.parse(text) >= Date.UTC(10_000, 0)), 'must be before the year 10000 in UTC')

/** A hundred years: past any use, and safe for every store and calendar. */
export const longestSeconds = 100 * 365 * 86_400

/** A duration in seconds. */
export const seconds = z.number().int().min(1).max(longestSeconds)

/** A scope token as RFC 6749 §3.3 allows it. */
export const scopeToken = z
  .string()
  .max(100)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be visible ASCII without quotes, backslashes and spaces (RFC 6749 §3.3)')

const unique = (values: readonly unknown[]) => new Set(values).size === values.length

/** The scopes of a key, in the words of the product whose keys these are. */
export const scopes = z.array(scopeToken).max(100).refine(unique, 'must not repeat a scope')

/** An address or a network (CIDR), IPv4 or IPv6. */
export const addressOrNetwork = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an IPv4 or IPv6 address or network, as 203.0.113.7 or 2001:db8::/32',
})

export const allowedIps = z.array(addressOrNetwork).max(100).refine(unique, 'must not repeat an address')

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/** Whatever came as JSON. (`z.json()` checks the same, but cannot be described in OpenAPI.) */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- bodies are parsed from JSON, so nothing else can be in them
export const jsonObject = z.record(z.string(), z.unknown() as z.ZodType<JsonValue>)
export type JsonObject = z.infer<typeof jsonObject>

/** Would PostgreSQL keep this JSON, and give it back the same? NUL and lone surrogates it would not. */
function isStorable(value: unknown, depth = 0): boolean {
  if (depth > 16) return false
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every((item) => isStorable(item, depth + 1))
  return Object.entries(value).every(
    ([name, item]) => name !== '__proto__' && isStorable(name) && isStorable(item, depth + 1),
  )
}

/** Free data of the product, given back with every verdict. At most 4,096 bytes as JSON, 16 levels. */
export const metadata = jsonObject
  .refine((value) => isStorable(value), 'must not contain NUL, lone surrogates, `__proto__`, or more than 16 levels')
  .refine(
    (value) => new TextEncoder().encode(JSON.stringify(value)).length <= 4096,
    'must be at most 4,096 bytes as JSON',
  )

/** `30d`, `12h`, `15m`, `90s`, or plain seconds: how durations are written in queries. @returns seconds */
export const queryDuration = z
  .string()
  .regex(/^\d{1,10}[smhd]?$/, 'must be a duration, as 30d, 12h, 15m or 90s')
  .transform((text) => Number.parseInt(text, 10) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[text.slice(-1)] ?? 1))
  .refine((value) => value <= longestSeconds, 'must be at most 100 years')

/** A name of the IANA time zone database that this machine knows; no offset, which knows no summer. */
export const timeZone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/, 'must be an IANA time zone, as Europe/Berlin')
  .refine(isTimeZone, 'must be an IANA time zone, as Europe/Berlin')

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
