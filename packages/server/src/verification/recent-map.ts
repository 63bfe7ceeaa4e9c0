/**
 * Remembers at most so many, in two halves: where the newer one is full it becomes the older one, and what nobody has asked for since
 * goes. To drop the very oldest entry of one Map would be to search for it: deleted entries stay in its order until it is rebuilt.
 */
export class RecentMap<V> {
  readonly #half: number
  #newer = new Map<string, V>()
  #older = new Map<string, V>()

  constructor(most: number) {
    this.#half = most / 2
  }

  get size(): number {
    return this.#newer.size + this.#older.size
  }

  get(key: string): V | undefined {
    const value = this.#newer.get(key)
    if (value !== undefined) return value
    const old = this.#older.get(key)
    if (old !== undefined) {
      this.#older.delete(key)
      this.set(key, old)
    }
    return old
  }

  /** @param key of an entry that is not there */
  set(key: string, value: V): void {
    if (this.#half === 0) return
    if (this.#newer.size + 1 > this.#half) {
      this.#older = this.#half < 1 ? new Map<string, V>() : this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(key, value)
  }

  delete(key: string): void {
    this.#newer.delete(key)
    this.#older.delete(key)
  }
}
