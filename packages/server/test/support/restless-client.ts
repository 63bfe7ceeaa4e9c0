import { setTimeout as pause } from 'node:timers/promises'

/** One node, as a client sees it. @returns the verdict; where there is none, the status */
export type Ask = (value: string) => Promise<string>

export interface Asked {
  readonly node: number
  readonly code: string
  /** By the wall clock, which is the database's. */
  readonly sentAt: number
  readonly answeredAt: number
}

/** Calls every node without pause, with the value that it has been given, until it is stopped. */
export class RestlessClient {
  readonly asked: Asked[] = []
  readonly #callers: Promise<void>[]
  #value: string
  #stopped = false

  constructor(nodes: readonly Ask[], value: string) {
    this.#value = value
    this.#callers = nodes.map((ask, node) => this.#callOn(ask, node))
  }

  async #callOn(ask: Ask, node: number): Promise<void> {
    while (!this.#stopped) {
      const sentAt = Date.now()
      // A broken connection is a refusal like any other.
      const code = await ask(this.#value).catch(() => 'none')
      this.asked.push({ node, code, sentAt, answeredAt: Date.now() })
      await pause(1)
    }
  }

  /** From now on with this value. Done when nothing is under way with the one before. */
  async moveTo(value: string): Promise<void> {
    this.#value = value
    const before = this.asked.length
    // Of each node the first answer may be to the value before; what was sent after it was sent with this one.
    const answersOf = (node: number) => this.asked.slice(before).filter((one) => one.node === node).length
    while (!this.#callers.every((_, node) => answersOf(node) >= 2)) await pause(1)
  }

  /** Whether each node has answered so to what was sent last. */
  hearsEverywhere = (code: string) =>
    this.#callers.every((_, node) => this.asked.findLast((one) => one.node === node)?.code === code)

  refusals = () => this.asked.filter(({ code }) => code !== 'VALID')

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#callers)
  }
}
