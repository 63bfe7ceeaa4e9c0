import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'

// Of its time, work in the background takes half at most: verdicts have the processor first, here and in the database.
const restPerWork = 1
const longestRestMs = 500
// It goes on all the same, if slowly: an import of our users may take hours.
const longestYieldMs = 10_000

/**
 * @param mustYield is there something going on that wants the machine for itself?
 * @returns rests as long as was worked since the last rest, and on while it has to yield, for ten seconds at most
 */
export function restAfterWork(
  clock: Pick<Clock, 'monotonic'>,
  mustYield: () => Promise<boolean>,
  pause: (ms: number) => Promise<unknown> = sleep,
): () => Promise<void> {
  let workedSince = clock.monotonic()
  return async () => {
    const restedSince = clock.monotonic()
    await pause(Math.min(longestRestMs, restPerWork * (restedSince - workedSince)))
    while (clock.monotonic() - restedSince < longestYieldMs && (await mustYield())) await pause(longestRestMs)
    workedSince = clock.monotonic()
  }
}
