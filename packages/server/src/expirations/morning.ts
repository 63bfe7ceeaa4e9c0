import type { Instant } from '../kernel/instant.ts'

const digestHour = 8

// What is planned in the last moments before a digest goes with the next one: it would be a second one of the day, where another node is
// just then sending the first.
const planAheadMs = 60_000

/** The next 8:00 of the day in a time zone, at least a minute from now. @param timeZone IANA; an unknown one is UTC */
export function nextMorning(timeZone: string, now: Instant): Instant {
  const earliest = now + planAheadMs
  const { year, month, day } = localParts(timeZone, earliest)
  for (let ahead = 0; ; ahead++) {
    const morning = toInstant(timeZone, Date.UTC(year, month - 1, day + ahead, digestHour))
    if (morning >= earliest || ahead > 2) return morning
  }
}

/** @param local the wall clock's reading, as if it were UTC */
function toInstant(timeZone: string, local: Instant): Instant {
  let instant = local - offsetAt(timeZone, local)
  // Across a change of the clocks the offset that was found first may be that of before.
  instant = local - offsetAt(timeZone, instant)
  return instant
}

function offsetAt(timeZone: string, instant: Instant): number {
  const { year, month, day, hour, minute, second } = localParts(timeZone, instant)
  const whole = Math.floor(instant / 1000) * 1000
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole
}

interface LocalParts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

function localParts(timeZone: string, instant: Instant): LocalParts {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  }
}

// There are a few hundred zones.
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const made = makeFormat(timeZone)
  formats.set(timeZone, made)
  return made
}

function makeFormat(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric' as const
  const options = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric }
  try {
    return new Intl.DateTimeFormat('en-US', { ...options, hourCycle: 'h23', timeZone })
  } catch {
    return new Intl.DateTimeFormat('en-US', { ...options, hourCycle: 'h23', timeZone: 'UTC' })
  }
}
