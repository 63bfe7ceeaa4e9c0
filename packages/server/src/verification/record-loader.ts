import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import type { RecordCache, Remembered } from './record-cache.ts'
import { findByDigests } from './verify-store.ts'

/** What was read, and the database's time at that moment. */
export interface Loaded {
  readonly what: Remembered
  readonly now: Instant
}

interface Flight {
  readonly digest: Buffer
  readonly generation: number
  readonly begunAt: number
  /** Its statement is on its way; until then whoever joins loses nothing. */
  sent: boolean
  readonly answer: Promise<Loaded>
  readonly resolve: (loaded: Loaded) => void
  readonly reject: (error: unknown) => void
}

// A flood of unknown values costs at most this much of the pool; the rest waits or is told to come back.
const mostBatches = 4
const mostPerBatch = 200
const mostWaiting = 2_000
const flightTimeoutMs = 2_000
// Whoever comes later than this asks for itself: what it is told must not be older than its own request by more.
const joinWithinMs = 250

/**
 * Reads from the database what the cache does not have. Requests for the same value share one read, and different values one
 * statement. What came back is remembered only if it cannot have been overtaken by a change (rule 2 of ARCHITECTURE.md).
 */
export class RecordLoader {
  readonly #reader: Reader
  readonly #cache: RecordCache
  readonly #state: { applied(): number; mayRemember(): boolean; monotonic(): number }
  readonly #flights = new Map<string, Flight>()
  #waiting: Flight[] = []
  #batches = 0

  constructor(
    reader: Reader,
    cache: RecordCache,
    state: { applied(): number; mayRemember(): boolean; monotonic(): number },
  ) {
    this.#reader = reader
    this.#cache = cache
    this.#state = state
  }

  /** @throws DomainError database_unavailable, also where too many wait already */
  load(digest: Buffer): Promise<Loaded> {
    const key = digest.toString('latin1')
    const now = this.#state.monotonic()
    const shared = this.#flights.get(key)
    if (shared && (!shared.sent || this.#isFresh(shared, now))) return shared.answer
    if (this.#waiting.length >= mostWaiting) return Promise.reject(new DomainError('database_unavailable'))
    const { promise, resolve, reject } = Promise.withResolvers<Loaded>()
    const flight: Flight = {
      digest,
      generation: this.#cache.generation,
      begunAt: now,
      sent: false,
      answer: promise,
      resolve,
      reject,
    }
    this.#flights.set(key, flight)
    this.#waiting.push(flight)
    const timer = setTimeout(() => reject(new DomainError('database_unavailable')), flightTimeoutMs)
    const land = () => {
      clearTimeout(timer)
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    promise.then(land, land)
    this.#takeOff()
    return promise
  }

  /**
   * May a request that comes only now be told what this one was sent for? Not where a change was applied since: whoever made it may
   * have been told that it is complete. And without a lease nobody waits for this node before saying so.
   */
  #isFresh(flight: Flight, now: number): boolean {
    return (
      flight.generation === this.#cache.generation && now - flight.begunAt < joinWithinMs && this.#state.mayRemember()
    )
  }

  #takeOff(): void {
    if (this.#batches >= mostBatches || this.#waiting.length === 0) return
    this.#batches++
    // At the end of this turn of the event loop, so that all requests that came with it share a statement.
    setImmediate(() => {
      const batch = this.#waiting.splice(0, mostPerBatch)
      void this.#read(batch).finally(() => {
        this.#batches--
        this.#takeOff()
      })
    })
  }

  async #read(batch: readonly Flight[], isSecond = false): Promise<void> {
    if (batch.length === 0) return
    for (const flight of batch) flight.sent = true
    const generation = this.#cache.generation
    try {
      const { head, now, found } = await findByDigests(
        this.#reader,
        batch.map((flight) => flight.digest),
      )
      const isOvertaken = generation !== this.#cache.generation
      // Changes were applied since the statement was sent, and it may be older than they are: read again. Once: where changes never
      // stop, it is answered as read, which was true when the request was there already, and not remembered.
      if (isOvertaken && !isSecond) return await this.#read(batch, true)
      const mayRemember = !isOvertaken && this.#state.applied() <= head && this.#state.mayRemember()
      for (const flight of batch) {
        const read = found.get(flight.digest.toString('hex')) ?? 'miss'
        const what = mayRemember ? this.#cache.remember(flight.digest.toString('latin1'), read) : read
        flight.resolve({ what, now })
      }
    } catch (error) {
      for (const flight of batch) flight.reject(error)
    }
  }
}
