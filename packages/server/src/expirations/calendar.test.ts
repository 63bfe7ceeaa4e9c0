import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCalendars } from '../../test/support/calendars.ts'
import { type CalendarEvent, calendarHead, calendarTail, toCalendarEvent } from './calendar.ts'

const start = Date.UTC(2027, 2, 1, 12)
const event: CalendarEvent = {
  uid: 'sec_1.end@keyturn',
  sequence: 3,
  changedAt: start - 86_400_000,
  at: start,
  cancelled: false,
  summary: 'Expires: Zapier, production',
  description: 'One\nTwo',
  alarms: [259_200, 5_000],
}
const calendarOf = (...events: CalendarEvent[]) =>
  [calendarHead('Keys of Acme'), ...events.map(toCalendarEvent), calendarTail()].join('')

const hostile = {
  'a line that would end the event': 'a\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:mine',
  'a line that would be a property': 'a\nATTACH:file:///etc/passwd',
  HTML: '<script>alert(1)</script>',
  'a formula': '=HYPERLINK("https://example.com")',
  'text from right to left': 'שלום עולם, مرحبا',
  // One of the two readers takes a backslash before an n for a line break, whatever stands before it.
  'the characters that are escaped': String.raw`back\slash, comma; semicolon: colon "quote" \\`,
  'characters of three octets': '日本語'.repeat(60),
  'characters of four octets': '🔑'.repeat(40),
  '10,000 characters': 'x'.repeat(10_000),
  'control characters': '\u0000\u0007\u001b[31m',
  'other line breaks': 'a\u0085b\u2028c',
}

/** What is left of a text: line breaks are one kind, control characters are none. */
const kept = (text: string) =>
  text
    .toWellFormed()
    .replace(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/g, '\n')
    // oxlint-disable-next-line eslint/no-control-regex -- what is to be gone
    .replace(/[\x00-\x09\x0b-\x1f\x7f]/g, '')

describe('a calendar', () => {
  it('is read alike by two programs that know nothing of each other', () => {
    const expected = {
      uid: event.uid,
      sequence: 3,
      status: 'CONFIRMED',
      start: '2027-03-01T12:00:00.000Z',
      summary: event.summary,
      description: event.description,
      alarms: event.alarms,
    }
    expect(readCalendars(calendarOf(event))).toEqual([[expected], [expected]])
    expect(readCalendars(calendarOf({ ...event, cancelled: true, alarms: [] }))).toEqual(
      [1, 2].map(() => [{ ...expected, status: 'CANCELLED', alarms: [] }]),
    )
    expect(readCalendars(calendarOf())).toEqual([[], []])
  })

  it.each(Object.entries(hostile))('carries %s as text, and nothing else', (_, text) => {
    const other = { ...event, uid: 'sec_2.end@keyturn' }
    for (const events of readCalendars(
      calendarOf({ ...event, summary: `Expires: ${text}`, description: text }, other),
    )) {
      expect(events.map(({ uid }) => uid)).toEqual([event.uid, other.uid])
      expect(events[0]?.summary).toBe(`Expires: ${kept(text)}`.trimEnd())
      expect(events[0]?.alarms).toEqual(event.alarms)
      expect(events[1]?.summary).toBe(event.summary)
    }
  })

  it('has lines of at most 75 octets that end in CRLF, whatever is in them (RFC 5545 §3.1)', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom(...Object.values(hostile)))
    fc.assert(
      fc.property(text, text, (summary, description) => {
        const calendar = calendarOf({ ...event, summary, description })
        expect(calendar.endsWith('\r\n')).toBe(true)
        const lines = calendar.split('\r\n').slice(0, -1)
        for (const line of lines) {
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
          // oxlint-disable-next-line eslint/no-control-regex -- none may be there
          expect(line).not.toMatch(/[\x00-\x1f\x7f\u0085\u2028\u2029\ufffd]/)
        }
        expect(lines.filter((line) => line === 'BEGIN:VEVENT')).toHaveLength(1)
        const [unfolded] = readCalendars(calendar)
        expect(unfolded[0]?.description).toBe(kept(description))
      }),
      { numRuns: 50 },
    )
  })
})
