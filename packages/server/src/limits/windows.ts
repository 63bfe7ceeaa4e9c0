import type { RateWindow } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { WindowLeft, WindowsLeft } from './limit.ts'

/** A window that runs, of a key. It is known by its length: whoever changes a limit does not begin it anew. */
export interface Count {
  readonly windowSeconds: number
  endsAt: Instant
  used: number
}

/**
 * Takes what a call costs from all windows, or, where one of them has too little left, from none. A window begins with the first
 * call that takes from it. What costs nothing passes.
 *
 * @param counts changed in place; those that have ended are as if they were not there
 */
export function takeFrom(counts: Count[], windows: readonly RateWindow[], cost: number, now: Instant): WindowsLeft {
  const usedOf = (window: RateWindow) => runningOf(counts, window, now)?.used ?? 0
  const passed = cost === 0 || windows.every((window) => usedOf(window) + cost <= window.limit)
  if (passed && cost > 0) for (const window of windows) countOf(counts, window, now).used += cost
  return describe(
    windows.map((window) => ({ window, count: runningOf(counts, window, now) })),
    passed,
    cost,
  )
}

/** What was taken for a call that was then not answered with it. A window that has begun anew since keeps what it has. */
export function giveBackTo(counts: readonly Count[], left: WindowsLeft, cost: number): void {
  for (const { window, resetsAt } of left.windows) {
    const count = counts.find(({ windowSeconds }) => windowSeconds === window.window_seconds)
    if (count && count.endsAt === resetsAt) count.used = Math.max(0, count.used - cost)
  }
}

interface Running {
  readonly window: RateWindow
  readonly count: Pick<Count, 'endsAt' | 'used'> | undefined
}

/** What is said of windows as they are after a call. */
export function describe(running: readonly Running[], passed: boolean, cost: number): WindowsLeft {
  const windows = running.map(
    ({ window, count }): WindowLeft => ({
      window,
      remaining: Math.max(0, window.limit - (count?.used ?? 0)),
      resetsAt: count?.endsAt ?? null,
    }),
  )
  return { passed, windows, retryAt: passed ? null : retryAt(windows, cost) }
}

/** When all windows that refuse have ended. A call that costs more than a whole one has never passes. */
function retryAt(windows: readonly WindowLeft[], cost: number): Instant | null {
  if (windows.some(({ window }) => cost > window.limit)) return null
  const ends = windows.flatMap(({ remaining, resetsAt }) => (remaining < cost && resetsAt !== null ? [resetsAt] : []))
  return ends.length === 0 ? null : Math.max(...ends)
}

function runningOf(counts: readonly Count[], window: RateWindow, now: Instant): Count | undefined {
  return counts.find(({ windowSeconds, endsAt }) => windowSeconds === window.window_seconds && endsAt > now)
}

/** The running window, which begins now where none runs. */
function countOf(counts: Count[], window: RateWindow, now: Instant): Count {
  const known = counts.find(({ windowSeconds }) => windowSeconds === window.window_seconds)
  const count = known ?? { windowSeconds: window.window_seconds, endsAt: 0, used: 0 }
  if (!known) counts.push(count)
  if (count.endsAt <= now) {
    count.endsAt = now + 1000 * window.window_seconds
    count.used = 0
  }
  return count
}
