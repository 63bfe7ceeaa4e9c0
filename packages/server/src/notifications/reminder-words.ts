import { never } from '../kernel/instant.ts'
import type { ReminderItem } from './reminder-item.ts'
import { shownText } from './shown-text.ts'
import type { TimeWords } from './time-words.ts'

const nameOf = (item: ReminderItem, max: number): string => shownText(item.keyName, max)

/** Its date has come: something is refused by now, or overdue. */
export const isOver = ({ reason, threshold }: ReminderItem): boolean => reason === 'used_after_end' || threshold <= 0

/** What happens, as a predicate of the key's name. */
function happening(item: ReminderItem, words: TimeWords): string {
  const distance = words.distance(item.endsAt)
  switch (item.reason) {
    case 'expiry':
      return isOver(item) ? 'has ended' : `ends ${distance}`
    case 'overlap_end':
      return isOver(item) ? 'the old secret has ended' : `the old secret ends ${distance}`
    case 'rotation_due':
      return isOver(item) ? 'a new secret is due' : `a new secret is due ${distance}`
    case 'used_after_end':
      return 'has ended and is still called'
  }
}

export function subjectOfOne(item: ReminderItem, words: TimeWords): string {
  const since = item.reason === 'rotation_due' && isOver(item) ? 'since' : 'on'
  const date = item.reason === 'used_after_end' ? '' : `, ${since} ${words.day(item.endsAt)}`
  return `${nameOf(item, 80)}: ${happening(item, words)}${date}`
}

const mostInSubject = 3

/** `3 keys end soon: Zapier in 1 day, Warehouse in 7 days, Billing in 14 days` */
export function subjectOfDigest(items: readonly ReminderItem[], words: TimeWords): string {
  const soon = areAllEnding(items)
  const named = items
    .slice(0, mostInSubject)
    .map((item) => (soon ? `${nameOf(item, 30)} ${words.distance(item.endsAt)}` : headlineOf(item, words, 30)))
  return `${countItems(items)}: ${named.join(', ')}${items.length > mostInSubject ? ', …' : ''}`
}

const areAllEnding = (items: readonly ReminderItem[]) =>
  items.every((item) => item.reason === 'expiry' && !isOver(item))

/** `3 keys end soon`, `2 keys and 1 credential need a look` */
export function countItems(items: readonly ReminderItem[]): string {
  const credentials = new Set(items.filter(({ tracked }) => tracked).map(({ keyId }) => keyId)).size
  const keys = new Set(items.map(({ keyId }) => keyId)).size - credentials
  const parts = [
    ...(keys > 0 ? [`${keys} ${keys === 1 ? 'key' : 'keys'}`] : []),
    ...(credentials > 0 ? [`${credentials} ${credentials === 1 ? 'credential' : 'credentials'}`] : []),
  ]
  const one = keys + credentials === 1
  if (areAllEnding(items)) return `${parts.join(' and ')} ${one ? 'ends' : 'end'} soon`
  return `${parts.join(' and ')} ${one ? 'needs' : 'need'} a look`
}

/** @param max characters of the name */
export function headlineOf(item: ReminderItem, words: TimeWords, max = 80): string {
  const separator = item.reason === 'overlap_end' || item.reason === 'rotation_due' ? ': ' : ' '
  return `${nameOf(item, max)}${separator}${happening(item, words)}`
}

/** When exactly, and what that means for its calls. */
export function leadOf(item: ReminderItem, words: TimeWords): string {
  const at = item.endsAt === never ? 'never' : words.at(item.endsAt)
  switch (item.reason) {
    case 'expiry':
      if (item.tracked)
        return isOver(item) ? `It ended on ${at}.` : `It ends on ${at}. What uses it stops working then.`
      return isOver(item)
        ? `It ended on ${at}. Calls with it are refused.`
        : `It ends on ${at}. Calls with it are refused from then on.`
    case 'overlap_end':
      return isOver(item)
        ? `The key was rotated, and its old secret ended on ${at}. Calls with the old one are refused.`
        : `The key was rotated, but its old secret is still called. It ends on ${at}; from then on only the new one works.`
    case 'rotation_due':
      return isOver(item)
        ? `The rules want a new secret since ${at}. The present one goes on working.`
        : `The rules want a new secret by ${at}. Nothing ends by itself.`
    case 'used_after_end':
      return `It ended on ${at}, but something still calls with it. Every such call is refused.`
  }
}
