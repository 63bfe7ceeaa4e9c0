import type { Instant } from '../kernel/instant.ts'
import type { Charge, KeyLimits, QuotaLeft, WindowsLeft } from './limit.ts'
import type { QuotaBlocks } from './quota-blocks.ts'
import type { SharedWindows } from './shared-windows.ts'
import { WindowCounts } from './window-counts.ts'

/**
 * Charges calls to the limits of their key: the windows first, then the quota. A call that one of them refuses takes from none.
 * Without Redis, and while the node has a block of the quota at hand, nothing is waited for.
 */
export class Limits {
  /** Calls counted by this node alone though Redis is set, since the start. */
  fallbacks = 0
  readonly quotas: QuotaBlocks
  readonly #shared: SharedWindows | null
  readonly #own = new WindowCounts()

  /** @param shared null: this node counts windows by itself */
  constructor(quotas: QuotaBlocks, shared: SharedWindows | null) {
    this.quotas = quotas
    this.#shared = shared
  }

  /** Null: no Redis is set. */
  get isShared(): boolean | null {
    return this.#shared && this.#shared.isReady
  }

  /** @returns undefined, with nothing taken, where Redis or the database has to be asked */
  chargeNow(keyId: string, limits: KeyLimits, cost: number, at: Instant): Charge | undefined {
    if (limits.windows !== null && this.#shared?.isReady) return undefined
    const windows = limits.windows && this.#countHere(keyId, limits.windows, cost, at)
    if (windows?.passed === false) return { code: 'RATE_LIMITED', at, cost, windows, quota: null }
    if (limits.quota === null) return { code: 'VALID', at, cost, windows, quota: null }
    const quota = this.quotas.takeNow(keyId, limits.quota, cost, at)
    if (quota === undefined && windows) this.#own.giveBack(keyId, windows, cost)
    return quota && this.#chargeOf(keyId, windows, quota, cost, at)
  }

  async charge(keyId: string, limits: KeyLimits, cost: number, at: Instant): Promise<Charge> {
    const windows = limits.windows && (await this.#count(keyId, limits.windows, cost, at))
    if (windows?.passed === false) return { code: 'RATE_LIMITED', at, cost, windows, quota: null }
    const quota = limits.quota && (await this.quotas.take(keyId, limits.quota, cost, at))
    return this.#chargeOf(keyId, windows, quota, cost, at)
  }

  /** The call is not answered with what was taken for it. */
  giveBack(keyId: string, { code, windows, quota, cost, at }: Charge): void {
    if (code !== 'VALID' || cost === 0) return
    if (windows) this.#giveBackWindows(keyId, windows, cost, at)
    if (quota) this.quotas.giveBack(keyId, quota, cost)
  }

  #chargeOf(keyId: string, windows: WindowsLeft | null, quota: QuotaLeft | null, cost: number, at: Instant): Charge {
    if (quota?.passed !== false) return { code: 'VALID', at, cost, windows, quota }
    if (windows) this.#giveBackWindows(keyId, windows, cost, at)
    return { code: 'QUOTA_EXCEEDED', at, cost, windows: windows && untaken(windows, cost), quota }
  }

  async #count(keyId: string, windows: NonNullable<KeyLimits['windows']>, cost: number, at: Instant) {
    const left = this.#shared?.isReady ? await this.#shared.take(keyId, windows, cost, at) : null
    if (left === null) return this.#countHere(keyId, windows, cost, at)
    // Should Redis be lost, this node goes on from what all of them have counted.
    this.#own.adopt(keyId, left)
    return left
  }

  #countHere(keyId: string, windows: NonNullable<KeyLimits['windows']>, cost: number, at: Instant): WindowsLeft {
    if (this.#shared) this.fallbacks++
    return this.#own.take(keyId, windows, cost, at)
  }

  #giveBackWindows(keyId: string, windows: WindowsLeft, cost: number, at: Instant): void {
    this.#own.giveBack(keyId, windows, cost)
    this.#shared?.giveBack(keyId, windows, cost, at)
  }
}

/** As the windows are after what was taken has gone back. */
const untaken = ({ windows, ...left }: WindowsLeft, cost: number): WindowsLeft => ({
  ...left,
  windows: windows.map((each) => ({ ...each, remaining: each.remaining + cost })),
})
