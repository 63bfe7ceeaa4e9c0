import { type VerdictCode, verdictCodes } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Database } from '../storage/database.ts'
import { type CountedUse, type LastUse, writeCounts, writeKeyUse, writeSecretUse } from './use-store.ts'

// Past it, calls with further secrets are not noted until the next flush: a bound on memory while the database is away.
const mostSecrets = 500_000
const addressesKept = 5
const hourMs = 3_600_000
const mostUserAgent = 200

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry for each code, from the list of all codes
const places = Object.fromEntries(verdictCodes.map((code, place) => [code, place])) as Record<VerdictCode, number>

/** What was noted of one secret since the last flush. */
interface Noted {
  readonly keyId: string
  lastUsedAt: Instant | null
  userAgent: string | null
  /** Newest last. */
  readonly addresses: Map<string, Instant>
  /** By the beginning of the hour; in each, by the place of the verdict in `verdictCodes`. */
  readonly hours: Map<Instant, number[]>
}

/**
 * Calls by secret, hour and verdict, and the last use, kept in memory between flushes, so that no verdict waits for a write. A killed
 * process loses what came since its last flush; a failed flush loses none; an orderly stop writes everything.
 */
export class UseCollector {
  readonly #database: Database
  #noted = new Map<string, Noted>()
  #flushing: Promise<void> = Promise.resolve()

  constructor(database: Database) {
    this.#database = database
  }

  /** A verdict on a real secret. Only a call that passed is a use. */
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
      noted = { keyId, lastUsedAt: null, userAgent: null, addresses: new Map(), hours: new Map() }
      this.#noted.set(secretId, noted)
    }
    const counts = countsOfHour(noted, at - (at % hourMs))
    const place = places[code]
    counts[place] = (counts[place] ?? 0) + 1
    if (code !== 'VALID') return
    noted.lastUsedAt = at
    if (userAgent !== null) noted.userAgent = userAgent.slice(0, mostUserAgent)
    if (address !== null) touch(noted.addresses, address, at)
  }

  /** Writes what was noted until now, after any flush that is under way. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#write())
    return this.#flushing
  }

  async #write(): Promise<void> {
    const noted = this.#noted
    if (noted.size === 0) return
    this.#noted = new Map()
    try {
      await this.#database.transaction(async (tx) => {
        const uses = [...noted].flatMap(([secretId, one]) => lastUseOf(secretId, one))
        await writeKeyUse(tx, uses)
        await writeSecretUse(tx, uses)
        await writeCounts(
          tx,
          [...noted].flatMap(([secretId, one]) => countsOf(secretId, one)),
        )
      })
    } catch (error) {
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
      for (const [hour, more] of one.hours) {
        const counts = countsOfHour(kept, hour)
        for (const [place, count] of more.entries()) counts[place] = (counts[place] ?? 0) + count
      }
      kept.lastUsedAt = one.lastUsedAt ?? kept.lastUsedAt
      kept.userAgent = one.userAgent ?? kept.userAgent
      for (const [address, at] of one.addresses) touch(kept.addresses, address, at)
    }
  }
}

function countsOfHour(noted: Noted, hour: Instant): number[] {
  let counts = noted.hours.get(hour)
  if (counts === undefined) {
    counts = new Array<number>(verdictCodes.length).fill(0)
    noted.hours.set(hour, counts)
  }
  return counts
}

function touch(addresses: Map<string, Instant>, address: string, at: Instant): void {
  addresses.delete(address)
  addresses.set(address, at)
  if (addresses.size <= addressesKept) return
  const oldest = addresses.keys().next()
  if (!oldest.done) addresses.delete(oldest.value)
}

function lastUseOf(secretId: string, noted: Noted): LastUse[] {
  if (noted.lastUsedAt === null) return []
  const addresses = [...noted.addresses].map(([address, at]) => ({ address, at })).reverse()
  return [{ keyId: noted.keyId, secretId, at: noted.lastUsedAt, userAgent: noted.userAgent, addresses }]
}

function countsOf(secretId: string, { keyId, hours }: Noted): CountedUse[] {
  return [...hours].flatMap(([hour, counts]) =>
    verdictCodes.flatMap((code) => {
      const count = counts[places[code]] ?? 0
      return count === 0 ? [] : [{ keyId, secretId, hour, code, count }]
    }),
  )
}
