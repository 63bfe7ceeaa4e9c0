import type { Clock } from '../kernel/clock.ts'
import { formatTime } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { listNodes, removeSilentNode } from './feed-store.ts'

export interface NodeState {
  readonly id: string
  readonly version: string
  readonly startedAt: string
  readonly appliedSequence: number
  /** Changes that it has not reported yet. */
  readonly lag: number
  /** How long it answers from memory without hearing from the database. */
  readonly maxStalenessMs: number
}

/** Every process that answers verdicts. A row outlives a process that was killed until another one sees that it is silent. */
export class NodeRegistry {
  readonly #reader: Reader
  readonly #clock: Clock
  readonly #seen = new Map<string, { heartbeat: number; at: number }>()

  constructor(reader: Reader, clock: Clock) {
    this.#reader = reader
    this.#clock = clock
  }

  async list(): Promise<NodeState[]> {
    const { head, nodes } = await listNodes(this.#reader)
    return nodes.map((node) => ({
      id: node.id,
      version: node.version,
      startedAt: formatTime(node.startedAt),
      appliedSequence: node.appliedSequence,
      lag: Math.max(0, head - node.appliedSequence),
      maxStalenessMs: node.maxStalenessMs,
    }))
  }

  /**
   * Removes nodes whose heartbeat has stood still for twice their lease by this process's monotonic clock: whatever is left of
   * them has long stopped to trust its memory. To be called every few seconds.
   */
  async removeSilent(): Promise<string[]> {
    // Silence counts from the end of one reading to the beginning of another, however long they took.
    const begunAt = this.#clock.monotonic()
    const { nodes } = await this.#listOrBeginAnew()
    const endedAt = this.#clock.monotonic()
    const removed: string[] = []
    for (const node of nodes) {
      const seen = this.#seen.get(node.id)
      if (seen?.heartbeat !== node.heartbeat) this.#seen.set(node.id, { heartbeat: node.heartbeat, at: endedAt })
      else if (begunAt - seen.at > 2 * node.maxStalenessMs) {
        await removeSilentNode(this.#reader, node.id, node.heartbeat)
        removed.push(node.id)
      }
    }
    const known = new Set(nodes.map((node) => node.id))
    for (const id of this.#seen.keys()) if (!known.has(id)) this.#seen.delete(id)
    return removed
  }

  /** While the database cannot be asked nobody is heard: that is not a node's silence. */
  async #listOrBeginAnew() {
    try {
      return await listNodes(this.#reader)
    } catch (error) {
      this.#seen.clear()
      throw error
    }
  }
}
