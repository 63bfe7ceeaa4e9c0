import type { Instant } from '../kernel/instant.ts'
import { layOut, type RenderedMail } from './mail-layout.ts'
import type { Section } from './mail-parts.ts'
import { shownText } from './shown-text.ts'
import { type TimeWords, timeWords } from './time-words.ts'

/** What people are told of that was done to a key. */
export const noticeKinds = ['created', 'rotated', 'extended', 'revoked'] as const
export type NoticeKind = (typeof noticeKinds)[number]

export interface Notice {
  readonly kind: NoticeKind
  readonly at: Instant
  /** Who did it. */
  readonly by: string
  readonly keyName: string
  readonly keyId: string
  readonly projectName: string | null
  readonly owner: string | null
  /** When the key ends now; infinity: never. Null: of a revoked one that says nothing. */
  readonly endsAt: Instant | null
  /** Why, where that was said. */
  readonly reason: string | null
}

export interface NoticeModel {
  readonly organizationName: string
  readonly recipient: string
  readonly timeZone: string
  readonly now: Instant
  /** At least one. */
  readonly notices: readonly Notice[]
  readonly settingsUrl: string | null
}

const mostSections = 20
const mostLines = 100

/** Pure. What was done to keys, by whom. */
export function noticeMail(model: NoticeModel): RenderedMail {
  const { notices, organizationName, recipient, settingsUrl } = model
  const words = timeWords(model.timeZone, model.now)
  const [first, ...others] = notices
  if (!first) throw new RangeError('a notice is about something')
  const subject = others.length === 0 ? `${sentenceOf(first)} by ${shownText(first.by, 60)}` : subjectOfSeveral(notices)
  const rest = notices.slice(mostSections)
  return layOut({
    subject,
    organizationName,
    title: others.length === 0 ? sentenceOf(first) : subjectOfSeveral(notices),
    lead: others.length === 0 ? leadOf(first, words) : `The newest: ${sentenceOf(first)}. ${leadOf(first, words)}`,
    sections: notices.slice(0, mostSections).map((notice) => sectionOf(notice, words)),
    ...(rest.length > 0 && {
      further: {
        title: `${rest.length.toLocaleString('en')} more`,
        lines: rest.slice(0, mostLines).map((notice) => `${sentenceOf(notice)} (${notice.keyId})`),
      },
    }),
    footer: [
      `This mail went to ${shownText(recipient, 254)}, for ${shownText(organizationName, 100)}. Owners of keys and administrators are told.`,
      'You did not expect it? Ask an administrator: a key can be revoked at once.',
    ],
    settingsUrl,
  })
}

const sentenceOf = ({ keyName, kind }: Notice): string => `${shownText(keyName, 80)} was ${kind}`

function subjectOfSeveral(notices: readonly Notice[]): string {
  const counts = noticeKinds.flatMap((kind) => {
    const number = notices.filter((notice) => notice.kind === kind).length
    return number === 0 ? [] : [`${number.toLocaleString('en')} ${kind}`]
  })
  const keys = new Set(notices.map(({ keyId }) => keyId)).size
  return `${keys.toLocaleString('en')} ${keys === 1 ? 'key' : 'keys'}: ${counts.join(', ')}`
}

function leadOf({ kind, by, at, endsAt }: Notice, words: TimeWords): string {
  const done = `By ${shownText(by, 100)}, on ${words.at(at)}.`
  if (kind === 'revoked') return `${done} Calls with it are refused, for ever.`
  if (endsAt === null) return done
  return `${done} It ${Number.isFinite(endsAt) ? `ends on ${words.at(endsAt)}` : 'never ends'}.`
}

const sectionOf = (notice: Notice, words: TimeWords): Section => ({
  tone: notice.kind === 'revoked' ? 'over' : 'calm',
  title: sentenceOf(notice),
  lead: leadOf(notice, words),
  facts: [
    ['Id', notice.keyId],
    ...(notice.projectName === null ? [] : [['Project', shownText(notice.projectName, 100)] as const]),
    ['Owner', notice.owner === null ? 'Nobody' : shownText(notice.owner, 254)],
    ...(notice.reason === null ? [] : [['Reason', shownText(notice.reason, 500)] as const]),
  ],
})
