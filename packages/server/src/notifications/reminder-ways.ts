import type { Way } from './mail-parts.ts'
import type { ReminderItem } from './reminder-item.ts'
import { shownText } from './shown-text.ts'

/** Where the end of a value can be moved. A JWT says itself when it ends, what never ends needs no other end, and what is over is over. */
const canBeExtended = ({ kind, reason, threshold }: ReminderItem): boolean =>
  kind !== 'jwt' && threshold > 0 && (reason === 'expiry' || reason === 'overlap_end')

/** What a reader can set going, what suits most of them first. */
export function waysOut(item: ReminderItem): Way[] {
  const { links, reason, tracked } = item
  if (tracked) return [{ label: 'I know', url: links.lapse, means: 'be reminded again only at the end.' }]
  const rotate: Way = {
    label: 'Rotate',
    url: links.rotate,
    means: 'get a new secret. The old one goes on beside it for a while, so that nothing breaks.',
  }
  const extend: Way = { label: 'Extend', url: links.extend, means: 'keep the secret, with a later end.' }
  const lapse: Way = {
    label: 'Let it lapse',
    url: links.lapse,
    means: 'nobody needs it any more; reminders come again only at the end.',
  }
  switch (reason) {
    case 'expiry':
      return [rotate, ...(canBeExtended(item) ? [extend] : []), ...(item.threshold > 0 ? [lapse] : [])]
    case 'overlap_end':
      return [
        ...(canBeExtended(item) ? [{ ...extend, means: 'let the old secret go on for longer.' }] : []),
        { ...lapse, means: 'the old secret may end then: be reminded again only at the end.' },
      ]
    case 'rotation_due':
      return [rotate, { ...lapse, label: 'I know', means: 'be reminded again only when it is due.' }]
    case 'used_after_end':
      return [rotate]
  }
}

/** What else to do, where no page of ours can do it. */
export function adviceFor({ tracked, issuer, reason }: ReminderItem): string[] {
  if (tracked)
    return [
      `Somebody else issued it. Renew it ${issuer === null ? 'where it came from' : `at ${shownText(issuer, 200)}`}, put the new value in place, and then make the new value known to Keyturn: until that, reminders go on.`,
    ]
  if (reason === 'overlap_end')
    return ['Whoever still calls with the old secret has to change to the new one before then.']
  if (reason === 'used_after_end') return ['Give the caller a secret that works, or switch the caller off.']
  return []
}
