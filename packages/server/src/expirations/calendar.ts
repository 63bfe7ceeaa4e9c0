import { formatTime, type Instant } from '../kernel/instant.ts'

/** An event at one moment, as a calendar is told of it. */
export interface CalendarEvent {
  /** The same for ever, whatever happens to it. */
  readonly uid: string
  /** Goes up with every change. */
  readonly sequence: number
  readonly changedAt: Instant
  readonly at: Instant
  readonly cancelled: boolean
  readonly summary: string
  readonly description: string
  /** Seconds before; none for what is cancelled. */
  readonly alarms: readonly number[]
}

/** The first lines of an iCalendar stream (RFC 5545, RFC 7986). Between them and the last stand events, any number of them. */
export function calendarHead(name: string): string {
  return linesOf([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Keyturn//Expirations//EN',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    `NAME:${escapeText(name)}`,
    `X-WR-CALNAME:${escapeText(name)}`,
    'REFRESH-INTERVAL;VALUE=DURATION:PT1H',
    'X-PUBLISHED-TTL:PT1H',
  ])
}

export const calendarTail = (): string => linesOf(['END:VCALENDAR'])

export function toCalendarEvent(event: CalendarEvent): string {
  const summary = escapeText(event.summary)
  return linesOf([
    'BEGIN:VEVENT',
    `UID:${event.uid}`,
    `SEQUENCE:${event.sequence}`,
    // §3.8.7.2: with METHOD it says when the object was made; with none, when the event was revised. This is true of both.
    `DTSTAMP:${utc(event.changedAt)}`,
    `LAST-MODIFIED:${utc(event.changedAt)}`,
    `DTSTART:${utc(event.at)}`,
    `STATUS:${event.cancelled ? 'CANCELLED' : 'CONFIRMED'}`,
    // Nobody is busy because a key ends.
    'TRANSP:TRANSPARENT',
    'CLASS:PRIVATE',
    `SUMMARY:${summary}`,
    `DESCRIPTION:${escapeText(event.description)}`,
    ...event.alarms.flatMap((seconds) => [
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      `TRIGGER:-${duration(seconds)}`,
      `DESCRIPTION:${summary}`,
      'END:VALARM',
    ]),
    'END:VEVENT',
  ])
}

/** §3.3.5, form 2. */
const utc = (instant: Instant): string => formatTime(instant).replace(/[-:]|\.\d+/g, '')

/** §3.3.6. */
function duration(seconds: number): string {
  return seconds % 86_400 === 0 ? `P${seconds / 86_400}D` : `PT${seconds}S`
}

/** §3.3.11. Whatever ends a line for some reader is a line break within the text, and other control characters are nothing at all. */
export function escapeText(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/[\\;,]/g, String.raw`\$&`)
      .replace(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/g, String.raw`\n`)
      // oxlint-disable-next-line eslint/no-control-regex -- taking them out is the point
      .replace(/[\x00-\x1f\x7f]/g, '')
  )
}

const linesOf = (lines: readonly string[]): string => lines.map((line) => `${fold(line)}\r\n`).join('')

const mostOctets = 75

/** §3.1: no line is longer than 75 octets; none is cut within a character. */
function fold(line: string): string {
  if (line.length * 3 <= mostOctets) return line
  let folded = ''
  let length = 0
  for (const character of line) {
    const octets = Buffer.byteLength(character)
    if (length + octets > mostOctets) {
      folded += '\r\n '
      length = 1
    }
    folded += character
    length += octets
  }
  return folded
}
