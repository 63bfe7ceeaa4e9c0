import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Reader } from '../storage/database.ts'
import type { DatabaseTime } from './database-time.ts'
import { type FeedRow, look, register, rowsPerLook, unregister } from './feed-store.ts'
import type { Lease } from './lease.ts'
import type { RecordCache } from './record-cache.ts'

/** A connection of the feed's own, so that an exhausted pool never delays a revocation. Replaced when a look hangs. */
export interface LookConnection {
  readonly reader: Reader
  /** Ends it whether it answers or not. */
  destroy(): void
}

export interface FeedOptions {
  readonly connect: () => Promise<LookConnection>
  readonly cache: RecordCache
  readonly lease: Lease
  readonly time: DatabaseTime
  readonly clock: Clock
  readonly version: string
  readonly onTrouble: (error: unknown) => void
}

const lookEveryMs = 250
// A look that takes longer is taken for lost: the connection may be dead without notice. Shorter than any lease.
const lookTimeoutMs = 2_000
// How much of the past is kept for `propagations`: longer than any wait can last.
const historyMs = 15 * 60_000

/**
 * Keeps this node true. Every look drops what has changed from the cache, and only then reports, with the next look, that it was
 * applied. Whoever waits for a revocation waits for these reports, or for the lease of a node that sends none to run out.
 */
export class ChangeFeed {
  nodeId = ''
  readonly #options: FeedOptions
  readonly #history: { head: number; at: number }[] = []
  #connection: LookConnection | null = null
  #applied = 0
  #nonce: string | null = null
  #registered = false
  #looking: Promise<void> | null = null
  #next: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor(options: FeedOptions) {
    this.#options = options
  }

  get applied(): number {
    return this.#applied
  }

  /** Registers this node. It must not answer before that. */
  async start(): Promise<void> {
    await this.#look()
    if (!this.#options.lease.isHeld()) throw new Error('the first look at the change feed failed')
    this.#timer = setInterval(() => void this.wake(), lookEveryMs)
    this.#timer.unref()
  }

  /**
   * Looks now: something was changed here, or the database said so.
   *
   * @returns once a look that began after this call has been applied, or has failed: whoever made the change meets it on this
   *   node with the next request
   */
  wake(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    if (this.#looking) {
      this.#next ??= this.#looking.then(() => {
        this.#next = null
        return this.wake()
      })
      return this.#next
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  /** After the last verdict: gives up the lease and the row. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearInterval(this.#timer)
    await this.#looking
    this.#options.lease.end()
    try {
      const connection = await this.#connect()
      await withTimeout(unregister(connection.reader, this.nodeId), lookTimeoutMs)
    } catch (error) {
      // Another node removes the row once it has been silent for long enough.
      this.#options.onTrouble(error)
    }
    this.#connection?.destroy()
    this.#connection = null
  }

  /** When this node first knew that this change was committed, on its monotonic clock. Null: it does not know of it yet. */
  knownSince(sequence: number): number | null {
    return this.#history.find((entry) => entry.head >= sequence)?.at ?? null
  }

  async #look(): Promise<void> {
    try {
      let more = true
      while (more) more = await withTimeout(this.#lookOnce(), lookTimeoutMs)
    } catch (error) {
      this.#connection?.destroy()
      this.#connection = null
      this.#options.onTrouble(error)
    }
  }

  /** @returns whether there is more to do at once: rows were left, or what was applied is to be reported */
  async #lookOnce(): Promise<boolean> {
    const { cache, lease, time, clock } = this.#options
    const connection = await this.#connect()
    if (!this.#registered) await this.#register(connection.reader)
    const start = lease.mark()
    const seen = await look(connection.reader, this.nodeId, this.#applied)
    // Given up meanwhile, and another look is under way: what this one brought is nobody's any more.
    if (connection !== this.#connection) throw new Error('a look came back too late')
    time.observe(seen.now)
    if (!seen.registered) {
      // Who removed the row has counted this node out: what it remembers nobody waits for any more.
      this.#beginAnew()
      return true
    }
    const [first] = seen.rows
    const continues = this.#applied === 0 || (first?.sequence === this.#applied && first.nonce === this.#nonce)
    if (!continues) {
      // The feed ran backwards: a restore, or a failover that lost commits.
      this.#beginAnew()
      return true
    }
    const fresh = seen.rows.filter((row) => row.sequence > this.#applied)
    if (fresh.length > 0) {
      for (const row of fresh) this.#apply(row)
      cache.pass()
      const last = fresh.at(-1)
      this.#applied = last?.sequence ?? this.#applied
      this.#nonce = last?.nonce ?? this.#nonce
    }
    this.#note(seen.head, clock.monotonic())
    const complete = seen.rows.length < rowsPerLook
    if (complete) lease.renew(start)
    return fresh.length > 0 || !complete
  }

  #apply(row: FeedRow): void {
    const { cache } = this.#options
    if (row.kind === 'key')
      cache.dropDigests((row.digests ?? []).map((digest) => Buffer.from(digest).toString('latin1')))
    else if (row.kind === 'project') cache.dropProject(row.id)
    else if (row.kind === 'organization') cache.dropOrganization(row.id)
    else cache.empty()
  }

  #beginAnew(): void {
    this.#options.lease.end()
    this.#options.cache.empty()
    this.#registered = false
  }

  async #register(reader: Reader): Promise<void> {
    const { cache, clock, lease, version } = this.#options
    const old = this.nodeId
    this.nodeId = newId('node', clock.wallTime())
    if (old !== '') await unregister(reader, old)
    const head = await register(reader, { id: this.nodeId, version, maxStalenessMs: lease.maxStalenessMs })
    cache.empty()
    this.#applied = head.sequence
    this.#nonce = head.nonce
    this.#registered = true
  }

  #note(head: number, at: number): void {
    const newest = this.#history.at(-1)
    if (newest?.head !== head) this.#history.push({ head, at })
    while (this.#history.length > 1 && (this.#history[1]?.at ?? at) < at - historyMs) this.#history.shift()
  }

  async #connect(): Promise<LookConnection> {
    this.#connection ??= await this.#options.connect()
    return this.#connection
  }
}

async function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}
