import type { Quota } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import type { QuotaLeft } from './limit.ts'
import {
  type Block,
  blockSize,
  changeLimit,
  exceededOf,
  isExhausted,
  newBlock,
  noteDraw,
  outageOf,
  passedOf,
} from './quota-block.ts'
import { type Drawn, drawBlock, type Leftover, settleQuotas } from './quota-store.ts'
import { nextRefill } from './refill.ts'

// Calls that wait for a draw; further ones are told what holds while the database cannot be asked.
const mostWaiting = 5_000
// After a draw has failed calls do not wait for the next failure.
const outageMs = 1_000
// A block that nobody has used for so long goes back, for other nodes to use.
const idleMs = 60_000
const mostPerSettlement = 500
const noOutage = Number.NEGATIVE_INFINITY

interface Waiter {
  readonly cost: number
  readonly resolve: (left: QuotaLeft) => void
}

export interface QuotaBlocksOptions {
  readonly reader: Reader
  readonly now: () => Instant
  /** Draws fail, from now on. Once for each outage. */
  readonly onTrouble: (error: unknown) => void
}

/**
 * Quotas of keys, drawn from the database in blocks, so that few calls wait for it, and never more than the quota pass on all nodes
 * together. What was drawn is used, given back, or lost; it is never used twice.
 */
export class QuotaBlocks {
  /** Since the start. */
  draws = 0
  failedDraws = 0
  readonly #options: QuotaBlocksOptions
  readonly #blocks = new Map<string, Block>()
  /** Blocks that are being drawn, with the calls that wait for it. */
  readonly #drawing = new Map<Block, Waiter[]>()
  readonly #underWay = new Set<Promise<void>>()
  /** Of blocks that are gone. */
  #leftovers: Leftover[] = []
  #waiting = 0
  #outageUntil = noOutage

  constructor(options: QuotaBlocksOptions) {
    this.#options = options
  }

  /** @returns undefined where the database has to be asked */
  takeNow(keyId: string, quota: Quota, cost: number, now: Instant): QuotaLeft | undefined {
    const block = this.#blockOf(keyId, quota, now)
    if (cost <= block.held) {
      block.held -= cost
      return passedOf(block)
    }
    if (isExhausted(block, cost, now)) return exceededOf(block, cost)
    if (now < this.#outageUntil) return outageOf(block, cost, this.#outageUntil)
    return undefined
  }

  async take(keyId: string, quota: Quota, cost: number, now: Instant): Promise<QuotaLeft> {
    const left = this.takeNow(keyId, quota, cost, now)
    if (left) return left
    const block = this.#blockOf(keyId, quota, now)
    if (this.#waiting >= mostWaiting) return outageOf(block, cost, now + outageMs)
    const { promise, resolve } = Promise.withResolvers<QuotaLeft>()
    this.#waiting++
    const waiters = this.#drawing.get(block)
    if (waiters) waiters.push({ cost, resolve })
    else {
      const draw = this.#draw(block, [{ cost, resolve }]).finally(() => this.#underWay.delete(draw))
      this.#underWay.add(draw)
    }
    return promise
  }

  /** What a call took that was then not answered with it. */
  giveBack(keyId: string, left: QuotaLeft, cost: number): void {
    const block = this.#blocks.get(keyId)
    if (!left.passed || !block || block.refillsAt !== left.refillsAt || block.quota.refill !== left.quota.refill) return
    if (left.outage) block.owed -= cost
    else if (block.quota.limit === left.quota.limit) block.held += cost
    else block.returned += cost
  }

  /** Gives back what is not used. @param all before the end of the process: everything */
  async settle(all = false): Promise<void> {
    if (all) await Promise.all(this.#underWay)
    const now = this.#options.now()
    for (const [keyId, block] of this.#blocks) {
      if (this.#drawing.has(block) || (!all && now - block.usedAt < idleMs)) continue
      this.#blocks.delete(keyId)
      this.#abandon(block)
    }
    while (this.#leftovers.length > 0) {
      // Taken out first: what may have been given back already is lost rather than given back twice.
      const part = this.#leftovers.splice(0, mostPerSettlement)
      await settleQuotas(this.#options.reader, part)
    }
  }

  #blockOf(keyId: string, quota: Quota, now: Instant): Block {
    let block = this.#blocks.get(keyId)
    if (block === undefined || now >= block.refillsAt || block.quota.refill !== quota.refill) {
      if (block && now < block.refillsAt) this.#abandon(block)
      block = newBlock(keyId, quota, now)
      this.#blocks.set(keyId, block)
    } else if (block.quota !== quota) changeLimit(block, quota)
    block.usedAt = now
    return block
  }

  #abandon(block: Block): void {
    const { keyId, quota, period } = block
    const adjust = block.owed - block.held - block.returned
    block.owed = block.held = block.returned = 0
    if (adjust !== 0) this.#leftovers.push({ keyId, refill: quota.refill, period, adjust })
  }

  /** One at a time for each block, as long as somebody waits. */
  async #draw(block: Block, waiters: Waiter[]): Promise<void> {
    this.#drawing.set(block, waiters)
    for (let [first] = waiters; first; [first] = this.#serve(block, waiters)) {
      try {
        await this.#drawOnce(block, waiters, first.cost)
      } catch (error) {
        this.failedDraws++
        if (this.#outageUntil === noOutage) this.#options.onTrouble(error)
        this.#outageUntil = this.#options.now() + outageMs
        this.#answer(
          waiters,
          () => true,
          (cost) => outageOf(block, cost, this.#outageUntil),
        )
      }
    }
    this.#drawing.delete(block)
    // Meanwhile another day has begun, or another kind of refill: nobody comes back to this one.
    if (this.#blocks.get(block.keyId) !== block) this.#abandon(block)
  }

  async #drawOnce(block: Block, waiters: Waiter[], cost: number): Promise<void> {
    const { keyId, period, owed, returned } = block
    const { limit, refill } = block.quota
    const wanted = waiters.reduce((sum, waiter) => sum + waiter.cost, 0) - block.held
    const need = cost - block.held
    const adjust = owed - returned
    const draw = { limit, need, block: blockSize(block, wanted), adjust }
    this.draws++
    // Where the answer is lost nobody knows whether they went back: they are given up.
    block.returned = 0
    const drawn = await drawBlock(this.#options.reader, { keyId, refill, period }, draw)
    this.#outageUntil = noOutage
    if (drawn.granted > 0) block.owed -= owed
    else block.returned += returned
    if (drawn.period > block.period) {
      // Another node knows of it already that a day or month has begun.
      block.held = 0
      block.period = drawn.period
      block.refillsAt = nextRefill(drawn.period, refill)
    }
    const isChanged = block.quota.limit !== limit
    if (isChanged) block.returned += drawn.granted
    else noteDraw(block, drawn.granted, drawnOf(drawn, period, adjust), this.#options.now())
    this.#serve(block, waiters)
    // Under another limit it is drawn anew.
    if (drawn.granted > 0 || isChanged) return
    this.#answer(
      waiters,
      (each) => each >= cost,
      (each) => exceededOf(block, each),
    )
  }

  /** Those for which enough is at hand. @returns who still waits */
  #serve(block: Block, waiters: Waiter[]): readonly Waiter[] {
    this.#answer(
      waiters,
      (cost) => cost <= block.held,
      (cost) => {
        block.held -= cost
        return passedOf(block)
      },
    )
    return waiters
  }

  /** Those that it can be said to, in the order in which they came. */
  #answer(waiters: Waiter[], applies: (cost: number) => boolean, outcome: (cost: number) => QuotaLeft): void {
    for (const waiter of waiters.splice(0)) {
      if (applies(waiter.cost)) {
        this.#waiting--
        waiter.resolve(outcome(waiter.cost))
      } else waiters.push(waiter)
    }
  }
}

/** By all nodes, in the period that was asked for; where nothing was granted, what was to be booked is not in it yet. */
function drawnOf({ period, granted, drawn }: Drawn, asked: Instant, adjust: number): number {
  if (granted > 0 || period > asked) return drawn
  return Math.max(0, (period === asked ? drawn : 0) + adjust)
}
