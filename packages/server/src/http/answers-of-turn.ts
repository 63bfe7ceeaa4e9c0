/**
 * Warm answers of one turn of the event loop, written one after the other at its end (docs/decisions/0009): whoever waits for them on the
 * same machine is woken once for all of them, and not by each. Whether this node may be trusted is asked twice: before each of them is
 * written, so that a process that was paused in between says nothing that it only knew before; and when it is decided, because a look
 * that is applied between the two makes the node trusted again, but not what was decided before it.
 */
export class AnswersOfTurn<T> {
  readonly #isTrusted: () => boolean
  readonly #write: (item: T) => void
  readonly #askAgain: (item: T) => Promise<void>
  #waiting: T[] = []

  /** @param askAgain where the node may no longer be trusted: the database decides. It never rejects */
  constructor(isTrusted: () => boolean, write: (item: T) => void, askAgain: (item: T) => Promise<void>) {
    this.#isTrusted = isTrusted
    this.#write = write
    this.#askAgain = askAgain
  }

  /** What was decided just now. */
  add(item: T): void {
    if (!this.#isTrusted()) return void this.#askAgain(item)
    if (this.#waiting.push(item) === 1) setImmediate(this.#writeAll)
  }

  readonly #writeAll = (): void => {
    const items = this.#waiting
    this.#waiting = []
    for (const item of items) {
      if (this.#isTrusted()) this.#write(item)
      else void this.#askAgain(item)
    }
  }
}
