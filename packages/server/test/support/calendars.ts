import ICAL from 'ical.js'
import { sync } from 'node-ical'

/** An event as a calendar program reads it. */
export interface ReadEvent {
  readonly uid: string
  readonly sequence: number
  readonly status: string
  readonly start: string
  readonly summary: string
  readonly description: string
  /** Seconds before the start. */
  readonly alarms: readonly number[]
}

/** Two programs that know nothing of each other read the same text. @returns what each has read, by UID */
export function readCalendars(text: string): [ReadEvent[], ReadEvent[]] {
  return [readWithIcalJs(text).toSorted(byUid), readWithNodeIcal(text).toSorted(byUid)]
}

const byUid = (a: ReadEvent, b: ReadEvent) => (a.uid < b.uid ? -1 : 1)

function readWithIcalJs(text: string): ReadEvent[] {
  const calendar = new ICAL.Component(ICAL.parse(text))
  return calendar.getAllSubcomponents('vevent').map((component) => {
    const event = new ICAL.Event(component)
    return {
      uid: event.uid,
      sequence: event.sequence,
      status: String(component.getFirstPropertyValue('status')),
      start: event.startDate.toJSDate().toISOString(),
      summary: event.summary,
      description: event.description,
      alarms: component.getAllSubcomponents('valarm').map((alarm) => {
        const trigger = alarm.getFirstPropertyValue('trigger')
        if (!(trigger instanceof ICAL.Duration)) throw new Error('an alarm without a time')
        return -trigger.toSeconds()
      }),
    }
  })
}

function readWithNodeIcal(text: string): ReadEvent[] {
  return Object.values(sync.parseICS(text)).flatMap((component) => {
    if (component?.type !== 'VEVENT') return []
    const plain = (value: unknown) => (typeof value === 'object' && value && 'val' in value ? value.val : value)
    return [
      {
        uid: component.uid,
        sequence: Number(component.sequence),
        status: String(component.status),
        start: component.start.toISOString(),
        summary: String(plain(component.summary)),
        description: String(plain(component.description)),
        alarms: (component.alarms ?? []).map((alarm) => secondsBefore(String(plain(alarm.trigger)))),
      },
    ]
  })
}

function secondsBefore(trigger: string): number {
  const [, days, seconds] = /^-P(?:(\d+)D|T(\d+)S)$/.exec(trigger) ?? []
  return days === undefined ? Number(seconds) : 86_400 * Number(days)
}
