import { type EndedCode, endedCodes, type VerdictCode } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Seen } from './calls.ts'
import type { CountedUse, LastUse, Refused } from './use-store.ts'

const addressesKept = 5
const hourMs = 3_600_000
const mostUserAgent = 200

/**
 * What was noted of one secret since the last flush. There is one for each that was called, a million where all are: what nearly none
 * has is not there, and numbers that are small integers take no room of their own.
 */
export interface Noted {
  readonly keyId: string
  lastUsedAt: Instant | null
  /** The last call after its end. */
  refused: Refused | null
  /** Of the last use that said so. */
  address: string | null
  userAgent: string | null
  /** Newest last, each once. Null: every call came as the last one did. */
  seen: Seen[] | null
  /** The newest hour, in hours since 1970, and its calls that passed: nearly all there are. */
  hour: number
  valid: number
  /** Of other hours and verdicts. */
  others: Count[] | null
}

interface Count {
  readonly hour: number
  readonly code: VerdictCode
  count: number
}

export const nothingOf = (keyId: string): Noted => ({
  keyId,
  lastUsedAt: null,
  refused: null,
  address: null,
  userAgent: null,
  seen: null,
  hour: 0,
  valid: 0,
  others: null,
})

/** A verdict. Only a call that passed is a use; one after its end is remembered apart. */
export function noteCall(
  noted: Noted,
  code: VerdictCode,
  at: Instant,
  address: string | null,
  userAgent: string | null,
): void {
  count(noted, Math.floor(at / hourMs), code, 1)
  const agent = userAgent === null ? null : userAgent.slice(0, mostUserAgent)
  const isUse = code === 'VALID'
  if (!isUse && !isEndedCode(code)) return
  const isAsBefore = isUse && (noted.lastUsedAt === null || noted.address === address)
  if (address !== null && (noted.seen !== null || !isAsBefore)) touch(startSeen(noted), address, at, agent)
  else if (!isAsBefore) startSeen(noted)
  if (isUse) {
    if (noted.lastUsedAt === null || at > noted.lastUsedAt) noted.lastUsedAt = at
    if (address !== null) noted.address = address
    if (agent !== null) noted.userAgent = agent
  } else if (noted.refused === null || at > noted.refused.at) noted.refused = { code, at }
}

/** @param newer what came while `older` could not be written; `older` is both from now on */
export function join(older: Noted, newer: Noted): void {
  const seen = startSeen(older)
  for (const { address, at, userAgent } of seenOf(newer)) touch(seen, address, at, userAgent)
  for (const { hour, code, count: times } of allCounts(newer)) count(older, hour, code, times)
  older.lastUsedAt = newer.lastUsedAt ?? older.lastUsedAt
  older.refused = newer.refused ?? older.refused
  older.address = newer.address ?? older.address
  older.userAgent = newer.userAgent ?? older.userAgent
}

export function lastUseOf(secretId: string, noted: Noted): LastUse[] {
  const { keyId, lastUsedAt: at, refused, address, userAgent } = noted
  if (at === null && refused === null) return []
  return [{ keyId, secretId, at, refused, address, userAgent, addresses: seenOf(noted).toReversed() }]
}

export const countsOf = (secretId: string, noted: Noted): CountedUse[] =>
  allCounts(noted).map(({ hour, code, count: times }) => ({
    keyId: noted.keyId,
    secretId,
    hour: hour * hourMs,
    code,
    count: times,
  }))

const isEndedCode = (code: VerdictCode): code is EndedCode => (endedCodes as readonly VerdictCode[]).includes(code)

function count(noted: Noted, hour: number, code: VerdictCode, times: number): void {
  if (code === 'VALID' && hour >= noted.hour) {
    if (hour > noted.hour) keepHour(noted)
    noted.hour = hour
    noted.valid += times
    return
  }
  noted.others ??= []
  const known = noted.others.find((other) => other.hour === hour && other.code === code)
  if (known === undefined) noted.others.push({ hour, code, count: times })
  else known.count += times
}

/** A flush is late: there is an hour before the newest. */
function keepHour(noted: Noted): void {
  if (noted.valid === 0) return
  noted.others ??= []
  noted.others.push({ hour: noted.hour, code: 'VALID', count: noted.valid })
  noted.valid = 0
}

function allCounts({ hour, valid, others }: Noted): readonly Count[] {
  const newest: Count[] = valid > 0 ? [{ hour, code: 'VALID', count: valid }] : []
  return others === null ? newest : [...newest, ...others]
}

function seenOf({ seen, address, lastUsedAt, userAgent }: Noted): readonly Seen[] {
  if (seen !== null) return seen
  return address === null || lastUsedAt === null ? [] : [{ address, at: lastUsedAt, userAgent }]
}

function startSeen(noted: Noted): Seen[] {
  noted.seen ??= [...seenOf(noted)]
  return noted.seen
}

function touch(seen: Seen[], address: string, at: Instant, userAgent: string | null): void {
  const before = seen.findIndex((other) => other.address === address)
  const [known] = before >= 0 ? seen.splice(before, 1) : []
  if (seen.length === addressesKept) seen.shift()
  seen.push({ address, at, userAgent: userAgent ?? known?.userAgent ?? null })
}
