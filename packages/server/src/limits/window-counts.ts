import type { RateWindow } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import { RecentMap } from '../verification/recent-map.ts'
import type { WindowsLeft } from './limit.ts'
import { type Count, giveBackTo, takeFrom } from './windows.ts'

// Keys that were called last. One that is pushed out begins its windows anew: past this many at once a limit may let more through.
const mostKeys = 500_000

/** The windows of keys as this process has counted them (docs/caches.md). */
export class WindowCounts {
  #counts = new RecentMap<Count[]>(mostKeys)

  take(keyId: string, windows: readonly RateWindow[], cost: number, now: Instant): WindowsLeft {
    let counts = this.#counts.get(keyId)
    if (counts === undefined) {
      counts = []
      this.#counts.set(keyId, counts)
    }
    return takeFrom(counts, windows, cost, now)
  }

  giveBack(keyId: string, left: WindowsLeft, cost: number): void {
    giveBackTo(this.#counts.get(keyId) ?? [], left, cost)
  }

  /** What is counted for all nodes together, so that this one goes on from there when it has to count by itself. */
  adopt(keyId: string, { windows }: WindowsLeft): void {
    const counts = windows.flatMap(({ window, remaining, resetsAt }) =>
      resetsAt === null
        ? []
        : [{ windowSeconds: window.window_seconds, endsAt: resetsAt, used: window.limit - remaining }],
    )
    this.#counts.delete(keyId)
    this.#counts.set(keyId, counts)
  }
}
