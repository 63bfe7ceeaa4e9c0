import type { Instant } from '../kernel/instant.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Words for times as its reader's clock shows them. A zone that this machine does not know is shown as UTC. */
export interface TimeWords {
  /** `Saturday 5 December 2026 at 11:00 CET` */
  at(instant: Instant): string
  /** `5 December`; with the year where it is another one. */
  day(instant: Instant): string
  /** `in 14 days`, `in 3 hours`, `2 days ago` */
  distance(instant: Instant): string
}

export function timeWords(timeZone: string, now: Instant): TimeWords {
  const zone = isTimeZone(timeZone) ? timeZone : 'UTC'
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options })
  const date = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
  const time = format({ hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
  const dayOfYear = format({ day: 'numeric', month: 'long' })
  const dayOfOtherYear = format({ day: 'numeric', month: 'long', year: 'numeric' })
  const year = format({ year: 'numeric' })
  return {
    at: (instant) => `${date.format(instant).replace(',', '')} at ${time.format(instant)}`,
    day: (instant) => (year.format(instant) === year.format(now) ? dayOfYear : dayOfOtherYear).format(instant),
    distance(instant) {
      const ms = Math.abs(instant - now)
      const words = ms < dayMs ? shortSpan(ms) : count(Math.round(ms / dayMs), 'day')
      if (words === null) return 'now'
      return instant > now ? `in ${words}` : `${words} ago`
    },
  }
}

/** Rounded down: where hours count, nobody is to think that there are more of them. */
function shortSpan(ms: number): string | null {
  if (ms < minuteMs) return null
  return ms < hourMs ? count(Math.floor(ms / minuteMs), 'minute') : count(Math.floor(ms / hourMs), 'hour')
}

export const count = (number: number, unit: string): string =>
  `${number.toLocaleString('en')} ${unit}${number === 1 ? '' : 's'}`

/** A length of time in the largest unit that it is a whole number of: `7 days`, `36 hours`. @param seconds whole */
export function spanInWords(seconds: number): string {
  for (const [unit, length] of units)
    if (seconds >= length && seconds % length === 0) return count(seconds / length, unit)
  return count(Math.max(1, Math.floor(seconds / 60)), 'minute')
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
] as const

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
