import { type Instant, never } from '../kernel/instant.ts'

// The thread of PGlite reads results by this. It loads nothing else: of the query builder alone there are some hundred files.

/** Object ids of the types whose text the drivers would read differently, or with loss (pg_type.dat of PostgreSQL). */
export const typeOids = { int8: 20, timestamptz: 1184 } as const

/** All our bigints are counters far below 2^53. */
export const parseInt8 = (text: string): number => Number(text)

/** `2026-11-20 23:19:36.733+00`, with any offset, or `infinity`. Fractions past milliseconds are cut. */
export function parseTimestamptz(text: string): Instant {
  if (text === 'infinity') return never
  if (text === '-infinity') return -never
  const offset = /[+-]\d\d(?::\d\d)?$/.exec(text)?.[0] ?? ''
  return Date.parse(`${text.slice(0, text.length - offset.length).replace(' ', 'T')}${offset.padEnd(6, ':00')}`)
}
