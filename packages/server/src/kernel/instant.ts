/**
 * A point in time: whole milliseconds since 1970, UTC. `Infinity` is never, as `infinity` is in PostgreSQL: the end of a
 * secret that does not expire is later than every other, and no rule needs a case for it.
 */
export type Instant = number

export const never: Instant = Number.POSITIVE_INFINITY

/** @returns RFC 3339 in UTC with milliseconds; null for never */
export function formatInstant(instant: Instant): string | null {
  return instant === never ? null : new Date(instant).toISOString()
}

/** For instants that cannot be never, as the creation of something. */
export function formatTime(instant: Instant): string {
  return new Date(instant).toISOString()
}

/** @param text RFC 3339, checked by the schema it came through */
export function parseInstant(text: string): Instant {
  return Date.parse(text)
}

export const seconds = (count: number): number => count * 1000
