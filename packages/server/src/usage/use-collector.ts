import type { Instant } from '../kernel/instant.ts'
import type { Database } from '../storage/database.ts'
import { type Use, writeKeyUse, writeSecretUse } from './use-store.ts'

// Past it, uses of further keys wait for the next flush to be noted: a bound on memory while the database is away.
const mostKeys = 500_000

/**
 * Last use of keys and secrets, kept in memory between flushes, so that no verdict waits for a write. A killed process loses
 * the uses since its last flush; a failed flush loses none.
 */
export class UseCollector {
  readonly #database: Database
  #keys = new Map<string, Instant>()
  #secrets = new Map<string, Instant>()
  #flushing: Promise<void> = Promise.resolve()

  constructor(database: Database) {
    this.#database = database
  }

  note(keyId: string, secretId: string, at: Instant): void {
    keepLatest(this.#keys, keyId, at)
    keepLatest(this.#secrets, secretId, at)
  }

  /** Writes what was noted until now, after any flush that is under way. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#write())
    return this.#flushing
  }

  async #write(): Promise<void> {
    const [keys, secrets] = [this.#keys, this.#secrets]
    if (keys.size === 0) return
    this.#keys = new Map()
    this.#secrets = new Map()
    try {
      await this.#database.transaction(async (tx) => {
        await writeKeyUse(tx, usesOf(keys))
        await writeSecretUse(tx, usesOf(secrets))
      })
    } catch (error) {
      for (const [id, at] of keys) keepLatest(this.#keys, id, at)
      for (const [id, at] of secrets) keepLatest(this.#secrets, id, at)
      throw error
    }
  }
}

function keepLatest(uses: Map<string, Instant>, id: string, at: Instant): void {
  const known = uses.get(id)
  if (known === undefined ? uses.size < mostKeys : at > known) uses.set(id, at)
}

const usesOf = (uses: Map<string, Instant>): Use[] => [...uses].map(([id, at]) => ({ id, at }))
