import type { Instant } from '../kernel/instant.ts'
import type { ActionLinks, Wish } from './action-links.ts'
import { layOut, type RenderedMail } from './mail-layout.ts'
import type { Way } from './mail-parts.ts'
import { shownParagraph, shownText } from './shown-text.ts'
import { timeWords } from './time-words.ts'

/** What somebody without a say asks administrators for. */
export interface ChangeRequestModel {
  readonly organizationName: string
  readonly recipient: string
  readonly timeZone: string
  readonly now: Instant
  readonly wish: Wish
  /** Whom the reminder was mailed to: whoever holds its link asks. */
  readonly askedBy: string
  readonly note: string | null
  readonly keyName: string
  readonly keyId: string
  readonly hint: string | null
  readonly projectName: string | null
  readonly owner: string | null
  readonly endsAt: Instant
  readonly tracked: boolean
  readonly lastUsedAt: Instant | null
  /** What can be done at all. */
  readonly possible: readonly Wish[]
  /** Of this administrator. */
  readonly links: ActionLinks
}

const asked = {
  extend: 'asks for a later end',
  rotate: 'asks for a new secret',
  lapse: 'says that nobody needs it any more',
} as const satisfies Record<Wish, string>

/** Pure. */
export function changeRequestMail(model: ChangeRequestModel): RenderedMail {
  const { keyName, keyId, hint, projectName, owner, endsAt, organizationName, recipient, note, tracked } = model
  const words = timeWords(model.timeZone, model.now)
  const by = shownText(model.askedBy, 100)
  const sentence = tracked && model.wish === 'rotate' ? 'asks to have it renewed' : asked[model.wish]
  const title = `${shownText(keyName, 80)}: ${by} ${sentence}`
  const ends = `${endsAt > model.now ? 'ends' : 'ended'} ${words.distance(endsAt)}, on ${words.at(endsAt)}`
  return layOut({
    subject: title,
    organizationName,
    title,
    lead: `It ${ends}.`,
    sections: [
      {
        tone: 'calm',
        title,
        lead: `It ${ends}.`,
        facts: [
          ...(note === null ? [] : [['Note', shownParagraph(note, 1000)] as const]),
          [tracked ? 'Credential' : 'Key', hint === null ? keyId : `${keyId}, secret ${hint}`],
          ...(projectName === null ? [] : [['Project', shownText(projectName, 100)] as const]),
          ['Owner', owner === null ? 'Nobody' : shownText(owner, 254)],
          ...(tracked
            ? []
            : [
                [
                  'Use',
                  model.lastUsedAt === null ? 'Never called' : `Last called ${words.distance(model.lastUsedAt)}`,
                ] as const,
              ]),
        ],
        ways: waysFor(model),
      },
    ],
    footer: [
      `This mail went to ${shownText(recipient, 254)}, an administrator of ${shownText(organizationName, 100)}.`,
      `Whoever holds the link of a reminder to ${by} has asked; the note is theirs. Nothing has happened yet.`,
    ],
    settingsUrl: null,
  })
}

function waysFor({ links, wish, possible, tracked }: ChangeRequestModel): Way[] {
  if (tracked)
    return [{ label: 'Look at it', url: links.lapse, means: 'renew it at its issuer, then make the new value known.' }]
  const ways: Record<Wish, Way> = {
    extend: { label: 'Extend', url: links.extend, means: 'keep the secret, with a later end.' },
    rotate: {
      label: 'Rotate',
      url: links.rotate,
      means: 'make a new secret; the old one goes on beside it for a while.',
    },
    lapse: { label: 'Let it lapse', url: links.lapse, means: 'be reminded again only at the end.' },
  }
  return [wish, ...possible.filter((other) => other !== wish)].map((one) => ways[one])
}
