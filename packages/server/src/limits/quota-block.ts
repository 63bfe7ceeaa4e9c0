import type { Quota } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { QuotaLeft } from './limit.ts'
import { nextRefill, periodStart } from './refill.ts'

/** What this node has drawn from the quota of a key and not used yet. */
export interface Block {
  readonly keyId: string
  quota: Quota
  period: Instant
  refillsAt: Instant
  held: number
  /** Used while the database could not be asked; booked with the next draw. */
  owed: number
  /** Held under a limit that was then changed; goes back with the next draw. */
  returned: number
  /** By the last draw: what nobody had drawn. Null: there was none in this period. */
  left: number | null
  /** Until then, what is more than `left` is refused without asking again. */
  believedUntil: Instant
  usedAt: Instant
}

// A node that is killed loses its block, and one that is not called any more keeps it for a while: at most this part of what is left.
const shareOfLeft = 64
const mostPerBlock = 1_000
// What other nodes give back is met after so long.
const believeMs = 1_000

export function newBlock(keyId: string, quota: Quota, now: Instant): Block {
  const period = periodStart(now, quota.refill)
  return {
    keyId,
    quota,
    period,
    refillsAt: nextRefill(period, quota.refill),
    held: 0,
    owed: 0,
    returned: 0,
    left: null,
    believedUntil: now,
    usedAt: now,
  }
}

/** The quota was changed: nothing that was drawn under another limit is used any more. Only the limit differs; a refill begins a block. */
export function changeLimit(block: Block, quota: Quota): void {
  if (quota.limit !== block.quota.limit) {
    block.returned += block.held
    block.held = 0
    block.left = null
  }
  block.quota = quota
}

/** How much to draw: what those that wait want, and a part of what is left, so that it comes down to one call at the end. */
export function blockSize(block: Block, wanted: number): number {
  const left = block.left ?? block.quota.limit
  return Math.max(wanted, Math.min(mostPerBlock, Math.ceil(left / shareOfLeft)))
}

/** @param drawn by all nodes, of the period of the block */
export function noteDraw(block: Block, granted: number, drawn: number, now: Instant): void {
  block.held += granted
  block.left = Math.max(0, block.quota.limit - drawn)
  block.believedUntil = now + believeMs
}

/** Is it known that the quota does not have this? */
export const isExhausted = (block: Block, cost: number, now: Instant): boolean =>
  block.left !== null && cost > block.held + block.left && now < block.believedUntil

export function passedOf(block: Block): QuotaLeft {
  return leftOf(block, { passed: true, retryAt: null, outage: false })
}

export function exceededOf(block: Block, cost: number): QuotaLeft {
  return leftOf(block, { passed: false, retryAt: cost > block.quota.limit ? null : block.refillsAt, outage: false })
}

/** The database cannot be asked, and the key says what then. @param retryAt when it is tried again */
export function outageOf(block: Block, cost: number, retryAt: Instant): QuotaLeft {
  if (block.quota.on_outage === 'refuse') return leftOf(block, { passed: false, retryAt, outage: true })
  block.owed += cost
  return leftOf(block, { passed: true, retryAt: null, outage: true })
}

function leftOf(block: Block, outcome: Pick<QuotaLeft, 'passed' | 'retryAt' | 'outage'>): QuotaLeft {
  const remaining = block.left === null ? null : block.left + block.held
  return { quota: block.quota, remaining, refillsAt: block.refillsAt, ...outcome }
}
