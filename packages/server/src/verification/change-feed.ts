import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Reader } from '../storage/database.ts'
import type { DatabaseTime } from './database-time.ts'
import { type FeedRow, type Look, look, register, rowsPerLook, unregister } from './feed-store.ts'
import type { Lease, Mark } from './lease.ts'
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
// Whoever made a change waits for its own node for so long; one that is cut off is bound by its lease, not by its callers' patience.
const catchUpMs = 1_000
// How much of the past is kept for `propagations`: longer than any wait can last.
const historyMs = 15 * 60_000

/**
 * Keeps this node true. Every look drops what has changed from the cache, and only then reports, with the next look, that it was
 * applied. Whoever waits for a revocation waits for these reports, or for the lease of a node that sends none to run out.
 */
export class ChangeFeed {
  nodeId: string
  /** Since the start. */
  looks = 0
  failedLooks = 0
  readonly #options: FeedOptions
  readonly #history: { head: number; at: number }[] = []
  #connection: LookConnection | null = null
  #applied = 0
  #nonce: string | null = null
  #registered = false
  /** Under which it was known before; that row goes when the new one comes. */
  #formerId: string | null = null
  #wasSetBack = false
  #lastLook: Mark | null = null
  #looking: Promise<void> | null = null
  #next: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor(options: FeedOptions) {
    this.#options = options
    this.nodeId = newId('node', options.clock.wallTime())
  }

  get maxStalenessMs(): number {
    return this.#options.lease.maxStalenessMs
  }

  get applied(): number {
    return this.#applied
  }

  /** The newest change that this node knows of. */
  get head(): number {
    return Math.max(this.#applied, this.#history.at(-1)?.head ?? 0)
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

  /** As `wake`, but for no longer than a second. */
  async catchUp(): Promise<void> {
    await withTimeout(this.wake(), catchUpMs).catch(() => {})
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
      while (more) more = await this.#lookOnce()
    } catch (error) {
      this.failedLooks++
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
    this.looks++
    const start = lease.mark()
    const seen = await withTimeout(look(connection.reader, this.nodeId, this.#applied), lookTimeoutMs)
    time.observe(seen.now)
    const [first] = seen.rows
    // Where nothing was applied yet, what comes first has to be the very next.
    const continues =
      this.#nonce === null
        ? first === undefined
          ? seen.head === this.#applied
          : first.sequence === this.#applied + 1
        : first?.sequence === this.#applied && first.nonce === this.#nonce
    if (!seen.registered || !continues) {
      // Who removed the row has counted this node out; and across a gap nobody knows what has changed.
      this.#beginAnew(this.#isSetBack(seen, start))
      return true
    }
    this.#lastLook = start
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

  /**
   * Did the database lose what it had (a restore, a failover that lost commits)? Its feed shows it, or the lost row of a node that was
   * never silent for so long that somebody might have removed it.
   */
  #isSetBack({ head, rows: [first] }: Look, now: Mark): boolean {
    if (head < this.#applied) return true
    if (first?.sequence === this.#applied && first.nonce !== this.#nonce) return true
    if (this.#lastLook === null) return false
    const silentMs = Math.max(now.monotonic - this.#lastLook.monotonic, now.wall - this.#lastLook.wall)
    return silentMs < 2 * this.maxStalenessMs
  }

  #beginAnew(wasSetBack: boolean): void {
    const { cache, clock, lease } = this.#options
    lease.end()
    cache.empty()
    this.#registered = false
    this.#formerId = this.nodeId
    this.nodeId = newId('node', clock.wallTime())
    if (!wasSetBack) return
    this.#wasSetBack = true
    // Its sequences come again, for other changes.
    this.#history.length = 0
  }

  async #register(reader: Reader): Promise<void> {
    const { cache, version } = this.#options
    const node = { id: this.nodeId, formerId: this.#formerId, version, maxStalenessMs: this.maxStalenessMs }
    const head = await withTimeout(register(reader, node, this.#wasSetBack), lookTimeoutMs)
    cache.empty()
    this.#applied = head.sequence
    this.#nonce = head.nonce
    this.#registered = true
    this.#formerId = null
    this.#wasSetBack = false
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
