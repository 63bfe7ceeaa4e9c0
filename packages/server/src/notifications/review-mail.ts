import type { Instant } from '../kernel/instant.ts'
import { layOut, type RenderedMail } from './mail-layout.ts'
import type { Section } from './mail-parts.ts'
import { shownText } from './shown-text.ts'
import { count, type TimeWords, timeWords } from './time-words.ts'

/** A key that somebody should look at again. */
export interface ReviewItem {
  readonly keyName: string
  readonly keyId: string
  readonly projectName: string | null
  readonly createdBy: string
  readonly createdAt: Instant
  readonly lastUsedAt: Instant | null
  readonly owner: string | null
  readonly reviewedAt: Instant | null
  readonly endsAt: Instant
}

export interface ReviewModel {
  readonly organizationName: string
  readonly recipient: string
  readonly timeZone: string
  readonly now: Instant
  /** At least one. */
  readonly items: readonly ReviewItem[]
  /** How many there are altogether. */
  readonly total: number
  readonly settingsUrl: string | null
}

const mostSections = 25

/** Pure. One list for administrators: who made each key, when it was last called, whose it is. */
export function reviewMail(model: ReviewModel): RenderedMail {
  const { items, organizationName, recipient, settingsUrl } = model
  const words = timeWords(model.timeZone, model.now)
  const total = Math.max(model.total, items.length)
  const shown = items.slice(0, mostSections)
  const title = total === 1 ? '1 key is due for review' : `${total.toLocaleString('en')} keys are due for review`
  return layOut({
    subject: `${shownText(organizationName, 60)}: ${title}`,
    organizationName,
    title,
    lead: 'Is each of them still needed, and still in the right hands? What is not needed is best disabled first, then revoked.',
    sections: shown.map((item) => sectionOf(item, words)),
    ...(total > shown.length && {
      further: {
        title: `${count(total - shown.length, 'key')} more`,
        lines: ['The findings of the organization list them all.'],
      },
    }),
    footer: [
      `This mail went to ${shownText(recipient, 254)}, an administrator of ${shownText(organizationName, 100)}, at most once a week.`,
      'Mark a key as reviewed, and it is not listed again before its next review.',
    ],
    settingsUrl,
  })
}

const sectionOf = (item: ReviewItem, words: TimeWords): Section => ({
  tone: 'calm',
  title: shownText(item.keyName, 80),
  lead:
    item.lastUsedAt === null
      ? 'Never called.'
      : `Last called ${words.distance(item.lastUsedAt)}, on ${words.at(item.lastUsedAt)}.`,
  facts: [
    ['Id', item.keyId],
    ...(item.projectName === null ? [] : [['Project', shownText(item.projectName, 100)] as const]),
    ['Owner', item.owner === null ? 'Nobody' : shownText(item.owner, 254)],
    ['Made', `By ${shownText(item.createdBy, 100)}, on ${words.at(item.createdAt)}`],
    ['Reviewed', item.reviewedAt === null ? 'Never' : `On ${words.at(item.reviewedAt)}`],
    ['Ends', Number.isFinite(item.endsAt) ? `On ${words.at(item.endsAt)}` : 'Never'],
  ],
})
