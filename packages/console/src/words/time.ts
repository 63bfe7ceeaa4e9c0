const second = 1000
const minute = 60 * second
const hour = 60 * minute
export const dayMs = 24 * hour

/** In the reader's locale and zone, as their browser has them. */
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
const exact = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
})
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const toTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const dayAlone = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

/** "in 12 days", "4 minutes ago", "just now". */
export function relativeTime(at: number, now: number): string {
  const distance = at - now
  const size = Math.abs(distance)
  if (size < 45 * second) return distance > 0 ? 'in a moment' : 'just now'
  if (size < 90 * minute) return relative.format(Math.round(distance / minute), 'minute')
  if (size < 36 * hour) return relative.format(Math.round(distance / hour), 'hour')
  if (size < 100 * dayMs) return relative.format(Math.round(distance / dayMs), 'day')
  if (size < 700 * dayMs) return relative.format(Math.round(distance / (30.44 * dayMs)), 'month')
  return relative.format(Math.round(distance / (365.25 * dayMs)), 'year')
}

export const exactTime = (at: number): string => exact.format(at)
export const shortTime = (at: number): string => dayAndTime.format(at)
/** For what is minutes away. */
export const timeToTheSecond = (at: number): string => toTheSecond.format(at)
export const dayOf = (at: number): string => dayAlone.format(at)
export const longDayOf = (at: number): string => longDay.format(at)
export const shortDayOf = (at: number): string => shortDay.format(at)

export const parseTime = (text: string): number => Date.parse(text)

/** "7 days", "1 year and 35 days", "12 hours". */
export function durationInWords(seconds: number): string {
  const many = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`
  const days = seconds / 86_400
  if (seconds === 0) return 'none'
  if (days >= 365) {
    const years = Math.floor(days / 365)
    const rest = Math.round(days - years * 365)
    return rest === 0 ? many(years, 'year') : `${many(years, 'year')} and ${many(rest, 'day')}`
  }
  if (days >= 1) return many(Math.round(days), 'day')
  if (seconds >= 3600) return many(Math.round(seconds / 3600), 'hour')
  return many(Math.max(1, Math.round(seconds / 60)), 'minute')
}

/** What `<input type="date">` wants, in the reader's own zone. */
export function dateInputOf(at: number): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The end of that day where the reader is: "until 3 March" is the whole of that day. @returns null: no day */
export function endOfDay(dateInput: string): number | null {
  const [year = 0, month = 0, day = 0] = dateInput.split('-').map(Number)
  const at = new Date(year, month - 1, day, 23, 59, 59).getTime()
  return /^\d{4}-\d{2}-\d{2}$/.test(dateInput) && Number.isFinite(at) ? at : null
}

/** Its beginning: not 24 hours before its end where clocks are changed on it. @returns null: no day */
export function startOfDay(dateInput: string): number | null {
  const end = endOfDay(dateInput)
  return end === null ? null : new Date(end).setHours(0, 0, 0, 0)
}

/** RFC 3339, UTC. */
export const toWireTime = (at: number): string => new Date(at).toISOString()
