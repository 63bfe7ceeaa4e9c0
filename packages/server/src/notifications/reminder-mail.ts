import type { Instant } from '../kernel/instant.ts'
import { layOut, type RenderedMail } from './mail-layout.ts'
import type { Section, Tone } from './mail-parts.ts'
import type { ReminderItem } from './reminder-item.ts'
import { adviceFor, waysOut } from './reminder-ways.ts'
import { countItems, headlineOf, isOver, leadOf, subjectOfDigest, subjectOfOne } from './reminder-words.ts'
import { shownText } from './shown-text.ts'
import { type TimeWords, timeWords } from './time-words.ts'

export type { ReminderItem } from './reminder-item.ts'

/** One mail to one reader, about one organization. */
export interface DigestModel {
  readonly organizationName: string
  readonly recipient: string
  /** IANA */
  readonly timeZone: string
  readonly now: Instant
  /** At least one. */
  readonly items: readonly ReminderItem[]
  readonly settingsUrl: string | null
}

// Longer mails are cut by those that show them (Gmail: at 102 kB).
const mostSections = 10
const mostLines = 60

/** Pure: the same model gives the same mail. */
export function reminderMail(model: DigestModel): RenderedMail {
  const { organizationName, recipient, settingsUrl } = model
  const words = timeWords(model.timeZone, model.now)
  // What has ended and is still called comes first, then what ends first.
  const items = model.items.toSorted((a, b) => Number(isOver(b)) - Number(isOver(a)) || a.endsAt - b.endsAt)
  const [first, ...others] = items
  if (!first) throw new RangeError('a reminder is about something')
  const rest = items.slice(mostSections)
  return layOut({
    subject: others.length === 0 ? subjectOfOne(first, words) : subjectOfDigest(items, words),
    organizationName,
    title: others.length === 0 ? headlineOf(first, words) : countItems(items),
    lead: others.length === 0 ? leadOf(first, words) : digestLead(items, words),
    sections: items.slice(0, mostSections).map((item) => sectionOf(item, words)),
    ...(rest.length > 0 && { further: furtherOf(rest, words) }),
    footer: [
      `This mail went to ${shownText(recipient, 254)}, for ${shownText(organizationName, 100)}.`,
      'A link opens a page with a button; nothing happens before somebody presses it.',
    ],
    settingsUrl,
  })
}

const digestLead = ([first]: readonly ReminderItem[], words: TimeWords): string =>
  first === undefined ? '' : `First: ${headlineOf(first, words)}. ${leadOf(first, words)}`

const sectionOf = (item: ReminderItem, words: TimeWords): Section => ({
  tone: toneOf(item),
  title: headlineOf(item, words),
  lead: leadOf(item, words),
  facts: factsOf(item, words),
  advice: adviceFor(item),
  ways: waysOut(item),
})

const soonSeconds = 7 * 86_400

function toneOf(item: ReminderItem): Tone {
  if (isOver(item) && item.reason !== 'rotation_due') return 'over'
  return item.threshold <= soonSeconds && item.reason !== 'rotation_due' ? 'soon' : 'calm'
}

function factsOf(item: ReminderItem, words: TimeWords): [string, string][] {
  const { keyId, hint, projectName, environment, owner, contact, issuer } = item
  const facts: [string, string][] = [
    [item.tracked ? 'Credential' : 'Key', hint === null ? keyId : `${keyId}, secret ${hint}`],
  ]
  if (issuer !== null) facts.push(['Issued by', shownText(issuer, 200)])
  if (projectName !== null)
    facts.push(['Project', `${shownText(projectName, 100)}${environment === 'test' ? ' (test environment)' : ''}`])
  facts.push(['Owner', owner === null ? 'Nobody' : shownText(owner, 254)])
  if (contact !== null) facts.push(['Contact', shownText(contact, 254)])
  facts.push(['Use', useInWords(item, words)])
  return facts
}

/** What still uses it, since when, from where. */
export function useInWords(item: ReminderItem, words: TimeWords): string {
  const { lastUsedAt, lastAddress, lastUserAgent, inUse, tracked, reason } = item
  if (tracked) return 'Not known here: its calls go elsewhere'
  if (lastUsedAt === null) return 'Never called'
  const from = lastAddress === null ? '' : ` from ${shownText(lastAddress, 45)}`
  const by = lastUserAgent === null ? '' : ` (${shownText(lastUserAgent, 120)})`
  const last = `${words.distance(lastUsedAt)}, on ${words.at(lastUsedAt)},${from}${by}`.replace(/,$/, '')
  if (reason === 'used_after_end') return `Still called, and refused; last ${last}`
  return inUse === false ? `Not in the last 30 days; last called ${last}` : `In use; last called ${last}`
}

function furtherOf(rest: readonly ReminderItem[], words: TimeWords) {
  const lines = rest.slice(0, mostLines).map((item) => `${headlineOf(item, words)} (${item.keyId})`)
  const more = rest.length - lines.length
  return {
    title: `${rest.length.toLocaleString('en')} more`,
    lines: more > 0 ? [...lines, `and ${more.toLocaleString('en')} more, in the list of what ends`] : lines,
  }
}
