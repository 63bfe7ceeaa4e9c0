import type { Clock } from '../kernel/clock.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Reader } from '../storage/database.ts'
import type { ChangeFeed } from './change-feed.ts'
import { listNodes } from './feed-store.ts'

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
const pollMs = [10, 10, 20, 40, 80, 160, 250] as const

/** Waits for nodes to report a change, by no other clock than this process's own monotonic one. */
export class Propagation {
  readonly #reader: Reader
  readonly #feed: ChangeFeed
  readonly #clock: Clock

  constructor(reader: Reader, feed: ChangeFeed, clock: Clock) {
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
    knownSince: number | null = this.#feed.knownSince(sequence),
  ): Promise<PropagationState> {
    const { head, nodes } = await listNodes(this.#reader)
    if (sequence > head) throw new DomainError('propagation_not_found', { sequence })
    const behind = nodes.filter((node) => node.appliedSequence < sequence)
    const longest = Math.max(0, ...behind.map((node) => node.maxStalenessMs))
    const leasesOver =
      knownSince !== null && this.#clock.monotonic() >= knownSince + longest * clockTolerance + travelMs
    const pending = leasesOver ? [] : behind.map((node) => node.id)
    return { complete: pending.length === 0, sequence, pending }
  }

  /** @returns once complete, or after the time-out as it is then */
  async wait(sequence: number, timeoutMs: number): Promise<PropagationState> {
    const begunAt = this.#clock.monotonic()
    for (let turn = 0; ; turn++) {
      const state = await this.state(sequence, begunAt)
      const left = timeoutMs - (this.#clock.monotonic() - begunAt)
      if (state.complete || left <= 0) return state
      await pause(Math.min(left, pollMs[Math.min(turn, pollMs.length - 1)] ?? 250))
    }
  }
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
