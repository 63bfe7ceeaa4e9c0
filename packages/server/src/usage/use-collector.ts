import type { VerdictCode } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Database } from '../storage/database.ts'
import { countsOf, join, lastUseOf, type Noted, noteCall, nothingOf } from './noted.ts'
import { lockUses, writeCounts, writeKeyUse, writeSecretUse } from './use-store.ts'

// Past it, calls with further secrets are not noted until the next flush: a bound on memory while the database is away.
const mostSecrets = 500_000

// One transaction takes this many secrets: a verdict waits for no more than are put together at once, a few milliseconds.
const mostPerWrite = 500

// A flush of another node takes milliseconds; whoever stops this process is not kept waiting for long.
const lastAttempts = 40
const lastPauseMs = 50

/**
 * Calls by secret, hour and verdict, and the last use, kept in memory between flushes, so that no verdict waits for a write. A killed
 * process loses what came since its last flush; a failed flush loses none; an orderly stop writes everything.
 */
export class UseCollector {
  readonly #database: Database
  #noted = new Map<string, Noted>()
  #beingWritten: ReadonlyMap<string, Noted> = new Map()
  #flushing: Promise<void> = Promise.resolve()
  /** Since the start. */
  failedFlushes = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** Secrets that were called, and whose calls are not written yet. */
  get unwritten(): number {
    return this.#noted.size + this.#beingWritten.size
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
      noted = nothingOf(keyId)
      this.#noted.set(secretId, noted)
    }
    noteCall(noted, code, at, address, userAgent)
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
    this.#beingWritten = noted
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
          if (held.has(keyId)) later.set(secretId, { ...nothingOf(keyId), lastUsedAt: at, refused })
        for (const [secretId] of part) noted.delete(secretId)
      }
      if (later.size > 0) this.#takeBack(later)
    } catch (error) {
      this.failedFlushes++
      for (const [secretId, one] of later) noted.set(secretId, one)
      this.#takeBack(noted)
      throw error
    } finally {
      this.#beingWritten = new Map()
    }
  }

  #takeBack(older: Map<string, Noted>): void {
    const newer = this.#noted
    this.#noted = older
    for (const [secretId, one] of newer) {
      const kept = older.get(secretId)
      if (kept) join(kept, one)
      else older.set(secretId, one)
    }
  }
}
