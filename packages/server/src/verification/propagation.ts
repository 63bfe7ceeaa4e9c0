import type { Clock } from '../kernel/clock.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Reader } from '../storage/database.ts'
import type { ChangeFeed } from './change-feed.ts'
import { listNodes, type NodeRow } from './feed-store.ts'

/** How far a change has come. */
export interface PropagationState {
  /** No node answers by what was before, not even one that is cut off. */
  readonly complete: boolean
  readonly sequence: number
  /** Ids of the nodes that have not reported it and whose lease may not have run out. */
  readonly pending: readonly string[]
}

// Clocks of two machines may run this much apart, and a look may have been on its way for a while when its lease began.
const clockTolerance = 1.01
const travelMs = 5_000
// Somebody who does not wait still wants to be told how it is, but not at any price.
const leastMs = 1_000
const pollMs = [10, 10, 20, 40, 80, 160, 250] as const

/** Waits for nodes to report a change, by no other clock than this process's own monotonic one. */
export class Propagation {
  readonly #reader: Reader
  readonly #feed: ChangeFeed | null
  readonly #clock: Clock
  /** Waits since the start: how many, and how many of them timed out before they were complete. */
  waits = 0
  timedOutWaits = 0

  /** @param feed of this process; null where it is no node */
  constructor(reader: Reader, feed: ChangeFeed | null, clock: Clock) {
    this.#reader = reader
    this.#feed = feed
    this.#clock = clock
  }

  /** The newest change there is. Called after a commit, it is that one or a later one: waiting for it waits for both. */
  async newest(): Promise<number> {
    return (await listNodes(this.#reader)).head
  }

  /**
   * @param knownSince when the change was known to be committed, on this process's monotonic clock
   * @throws DomainError propagation_not_found where no such change was made yet
   */
  async state(
    sequence: number,
    knownSince: number | null = this.#feed?.knownSince(sequence) ?? null,
  ): Promise<PropagationState> {
    const { head, nodes } = await listNodes(this.#reader)
    if (sequence > head) throw new DomainError('propagation_not_found', { sequence })
    const behind: Pick<NodeRow, 'id' | 'maxStalenessMs'>[] = nodes.filter((node) => node.appliedSequence < sequence)
    const self = this.#feed && { id: this.#feed.nodeId, maxStalenessMs: this.#feed.maxStalenessMs }
    // A registry without this very node was set back. It sees that with its next look, and what it means for others.
    if (self && !nodes.some((node) => node.id === self.id)) behind.push(self)
    const elapsed = knownSince === null ? 0 : this.#clock.monotonic() - knownSince
    const pending = behind
      .filter((node) => elapsed < node.maxStalenessMs * clockTolerance + travelMs)
      .map((node) => node.id)
    return { complete: pending.length === 0, sequence, pending }
  }

  /**
   * @returns once complete, or after the time-out as it is then. The change is made already: where the database cannot be asked how
   *   far it has come, that is not known, and no error
   */
  async wait(sequence: number, timeoutMs: number): Promise<PropagationState> {
    const begunAt = this.#clock.monotonic()
    const leftMs = () => timeoutMs - (this.#clock.monotonic() - begunAt)
    if (timeoutMs > 0) this.waits++
    let state: PropagationState = { complete: false, sequence, pending: this.#feed ? [this.#feed.nodeId] : [] }
    for (let turn = 0; ; turn++) {
      const asked = this.state(sequence, begunAt).catch(unlessUnavailable)
      state = (await within(Math.max(leastMs, leftMs()), asked)) ?? state
      const left = leftMs()
      if (state.complete) return state
      if (left <= 0) {
        if (timeoutMs > 0) this.timedOutWaits++
        return state
      }
      await pause(Math.min(left, pollMs[Math.min(turn, pollMs.length - 1)] ?? 250))
    }
  }
}

function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof DomainError && error.code === 'database_unavailable')) throw error
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** What comes in time. A timer that nobody waits for any more would keep a command alive that is done. */
async function within<T>(milliseconds: number, asked: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), milliseconds)
  try {
    return await Promise.race([asked, promise])
  } finally {
    clearTimeout(timer)
  }
}
