import { type EndedCode, endedCodes, type VerdictCode } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Database } from '../storage/database.ts'
import {
  type CountedUse,
  type LastUse,
  lockUses,
  type Refused,
  writeCounts,
  writeKeyUse,
  writeSecretUse,
} from './use-store.ts'

// Past it, calls with further secrets are not noted until the next flush: a bound on memory while the database is away.
const mostSecrets = 500_000
const addressesKept = 5
const hourMs = 3_600_000
const mostUserAgent = 200

// One transaction takes this many secrets: a verdict waits for no more than are put together at once, a few milliseconds.
const mostPerWrite = 500

// A flush of another node takes milliseconds; whoever stops this process is not kept waiting for long.
const lastAttempts = 40
const lastPauseMs = 50

/** What was noted of one secret since the last flush. Small, because there is one for each key that was called. */
interface Noted {
  readonly keyId: string
  lastUsedAt: Instant | null
  /** The last call after its end. */
  refused: Refused | null
  /** Of the last use that said so. */
  address: string | null
  userAgent: string | null
  /** Newest last, each once. */
  readonly seen: Seen[]
  /** By hour, newest last; more than one only where a flush is late. */
  readonly hours: Hour[]
}

interface Seen {
  readonly address: string
  at: Instant
  userAgent: string | null
}

interface Hour {
  readonly begin: Instant
  /** Calls that passed: nearly all. */
  valid: number
  refused: Map<VerdictCode, number> | null
}

/**
 * Calls by secret, hour and verdict, and the last use, kept in memory between flushes, so that no verdict waits for a write. A killed
 * process loses what came since its last flush; a failed flush loses none; an orderly stop writes everything.
 */
export class UseCollector {
  readonly #database: Database
  #noted = new Map<string, Noted>()
  #flushing: Promise<void> = Promise.resolve()
  /** Since the start. */
  failedFlushes = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** A verdict on a real secret. Only a call that passed is a use; one after its end is remembered apart. */
  note(
    keyId: string,
    secretId: string,
    code: VerdictCode,
    at: Instant,
    address: string | null,
    userAgent: string | null,
  ): void {
    let noted = this.#noted.get(secretId)
    if (noted === undefined) {
      if (this.#noted.size >= mostSecrets) return
      noted = { keyId, lastUsedAt: null, refused: null, address: null, userAgent: null, seen: [], hours: [] }
      this.#noted.set(secretId, noted)
    }
    count(hourOf(noted, at - (at % hourMs)), code, 1)
    const agent = userAgent === null ? null : userAgent.slice(0, mostUserAgent)
    if (code === 'VALID') {
      if (noted.lastUsedAt === null || at > noted.lastUsedAt) noted.lastUsedAt = at
      if (address !== null) noted.address = address
      if (agent !== null) noted.userAgent = agent
    } else if (isEndedCode(code)) {
      if (noted.refused === null || at > noted.refused.at) noted.refused = { code, at }
    } else return
    if (address !== null) touch(noted.seen, address, at, agent)
  }

  /** Writes what was noted until now, after any flush that is under way. */
  flush(): Promise<void> {
    return this.#writeNext(() => {
      const noted = this.#noted
      this.#noted = new Map()
      return noted
    })
  }

  /** The same for one key alone, for who is about to decide by its last use. */
  flushKey(keyId: string): Promise<void> {
    return this.#writeNext(() => {
      const noted = new Map<string, Noted>()
      for (const [secretId, one] of this.#noted) if (one.keyId === keyId) noted.set(secretId, one)
      for (const secretId of noted.keys()) this.#noted.delete(secretId)
      return noted
    })
  }

  #writeNext(take: () => Map<string, Noted>): Promise<void> {
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#write(take()))
    return this.#flushing
  }

  /** Before the end of the process: what another node was just writing, too. @throws Error where some of it stays unwritten */
  async flushAll(): Promise<void> {
    for (let attempt = 0; attempt < lastAttempts; attempt++) {
      await this.flush()
      if (this.#noted.size === 0) return
      await new Promise((resolve) => setTimeout(resolve, lastPauseMs))
    }
    throw new Error(`the uses of ${this.#noted.size} secrets are held by somebody else`)
  }

  async #write(noted: Map<string, Noted>): Promise<void> {
    if (noted.size === 0) return
    const later = new Map<string, Noted>()
    try {
      while (noted.size > 0) {
        const part = [...noted.entries().take(mostPerWrite)]
        const uses = part.flatMap(([secretId, one]) => lastUseOf(secretId, one))
        const counts = part.flatMap(([secretId, one]) => countsOf(secretId, one))
        const held = await this.#database.transaction(async (tx) => {
          await lockUses(tx)
          await writeSecretUse(tx, uses)
          await writeCounts(tx, counts)
          return writeKeyUse(tx, uses)
        })
        for (const { keyId, secretId, at, refused } of uses)
          if (held.has(keyId))
            later.set(secretId, { keyId, lastUsedAt: at, refused, address: null, userAgent: null, seen: [], hours: [] })
        for (const [secretId] of part) noted.delete(secretId)
      }
      if (later.size > 0) this.#takeBack(later)
    } catch (error) {
      this.failedFlushes++
      for (const [secretId, one] of later) noted.set(secretId, one)
      this.#takeBack(noted)
      throw error
    }
  }

  #takeBack(older: Map<string, Noted>): void {
    const newer = this.#noted
    this.#noted = older
    for (const [secretId, one] of newer) {
      const kept = older.get(secretId)
      if (!kept) {
        older.set(secretId, one)
        continue
      }
      for (const { begin, valid, refused } of one.hours) {
        const hour = hourOf(kept, begin)
        hour.valid += valid
        for (const [code, times] of refused ?? []) count(hour, code, times)
      }
      kept.lastUsedAt = one.lastUsedAt ?? kept.lastUsedAt
      kept.refused = one.refused ?? kept.refused
      kept.address = one.address ?? kept.address
      kept.userAgent = one.userAgent ?? kept.userAgent
      for (const { address, at, userAgent } of one.seen) touch(kept.seen, address, at, userAgent)
    }
  }
}

function hourOf(noted: Noted, begin: Instant): Hour {
  const { hours } = noted
  const newest = hours[hours.length - 1]
  if (newest?.begin === begin) return newest
  let hour = hours.find((other) => other.begin === begin)
  if (hour === undefined) {
    hour = { begin, valid: 0, refused: null }
    hours.push(hour)
  }
  return hour
}

function count(hour: Hour, code: VerdictCode, times: number): void {
  if (code === 'VALID') {
    hour.valid += times
    return
  }
  hour.refused ??= new Map()
  hour.refused.set(code, (hour.refused.get(code) ?? 0) + times)
}

const isEndedCode = (code: VerdictCode): code is EndedCode => (endedCodes as readonly VerdictCode[]).includes(code)

function touch(seen: Seen[], address: string, at: Instant, userAgent: string | null): void {
  const newest = seen[seen.length - 1]
  if (newest?.address === address) {
    newest.at = at
    newest.userAgent = userAgent ?? newest.userAgent
    return
  }
  const before = seen.findIndex((other) => other.address === address)
  if (before >= 0) seen.splice(before, 1)
  else if (seen.length === addressesKept) seen.shift()
  seen.push({ address, at, userAgent })
}

function lastUseOf(secretId: string, noted: Noted): LastUse[] {
  const { keyId, lastUsedAt: at, refused, address, userAgent, seen } = noted
  if (at === null && refused === null) return []
  return [{ keyId, secretId, at, refused, address, userAgent, addresses: seen.toReversed() }]
}

function countsOf(secretId: string, { keyId, hours }: Noted): CountedUse[] {
  const counted: CountedUse[] = []
  for (const { begin: hour, valid, refused } of hours) {
    if (valid > 0) counted.push({ keyId, secretId, hour, code: 'VALID', count: valid })
    for (const [code, times] of refused ?? []) counted.push({ keyId, secretId, hour, code, count: times })
  }
  return counted
}
