import type { Instant } from '../kernel/instant.ts'

/** A place in the list: what is to come, and what never ends, before what has ended; then the time; then ids. */
export interface ExpirationPlace {
  readonly ended: boolean
  readonly at: Instant
  /** Of the key or credential. */
  readonly subject: string
  readonly id: string
}

export function comparePlaces(a: ExpirationPlace, b: ExpirationPlace): number {
  if (a.ended !== b.ended) return a.ended ? 1 : -1
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  if (a.subject !== b.subject) return a.subject < b.subject ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
