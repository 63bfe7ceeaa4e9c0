import { useSyncExternalStore } from 'react'

/** Less than that is the way of an answer, and its time that is said in whole seconds. */
const trueToMs = 3_000
let aheadMs = 0

/** The server's time, for words such as "in 3 days": the reader's own clock may be wrong. Nothing is decided by it: what has ended, the server says. */
export const readClock = (): number => Date.now() + aheadMs

/** @param date of an answer that has just come (RFC 9110, 6.6.1) */
export function setClock(date: string | null): void {
  const found = Date.parse(date ?? '') - Date.now()
  if (Math.abs(found - aheadMs) > trueToMs) aheadMs = Math.abs(found) > trueToMs ? found : 0
}

const everyMs = 15_000
let now = readClock()
let timer: ReturnType<typeof setInterval> | undefined
const readers = new Set<() => void>()

function subscribe(read: () => void): () => void {
  readers.add(read)
  timer ??= setInterval(() => {
    now = readClock()
    for (const one of readers) one()
  }, everyMs)
  return () => {
    readers.delete(read)
    if (readers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** What was read last, and no older than it may be for words: one tick for a page with hundreds of times. */
function snapshot(): number {
  const read = readClock()
  if (Math.abs(read - now) > everyMs) now = read
  return now
}

/** The time, afresh every 15 seconds, the same for the whole page. */
export const useNow = (): number => useSyncExternalStore(subscribe, snapshot)
