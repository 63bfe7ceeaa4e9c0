import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'

// Of its time, work in the background takes half at most: verdicts have the processor first, here and in the database.
const restPerWork = 1
const longestRestMs = 500

/** @returns rests as long as was worked since the last rest */
export function restAfterWork(clock: Clock): () => Promise<void> {
  let workedSince = clock.monotonic()
  return async () => {
    await pause(Math.min(longestRestMs, restPerWork * (clock.monotonic() - workedSince)))
    workedSince = clock.monotonic()
  }
}
