import type { ErrorCode } from '@keyturn/contract'
import { html } from 'hono/html'
import { formatTime, type Instant, never } from '../../kernel/instant.ts'
import { isLive } from '../../keys/secret.ts'
import type { Wish } from '../../notifications/action-links.ts'
import type { OpenedReminder } from '../../notifications/open-reminder.ts'
import type { Offers } from '../../notifications/reminder-offers.ts'
import { timeWords } from '../../notifications/time-words.ts'
import { timeInWords } from '../claim-page/document.ts'
import type { Html } from '../page-document.ts'
import { opening, type ReminderPage } from './document.ts'
import { factsOf, nameOf } from './facts.ts'
import type { Visitor } from './visitor.ts'

export interface Note {
  readonly kind: 'bad' | 'plain'
  readonly text: string
}

/** The key, what becomes of it, and what this visitor may do about it. @param first what they came for */
export function reminderPage(
  path: string,
  opened: OpenedReminder,
  offers: Offers,
  visitor: Visitor,
  first: Wish | null,
  note: Note | null = null,
): ReminderPage {
  const name = nameOf(opened)
  return {
    title: name,
    footer: opening,
    body: html`<p>${happening(opened, offers)}</p>
${note === null ? hindranceOf(offers) : html`<p class="note ${note.kind}" role="alert">${note.text}</p>`}
${factsOf(opened)}
${actsFor(path, offers, visitor, first)}
${askFor(path, opened, offers, visitor, first)}
${visitor.name === null ? html`<p class="soft small">Do you look after keys here? <a href="${visitor.signInPath}">Sign in</a> to extend or rotate it yourself.</p>` : html`<p class="soft small">Signed in as <bdi>${visitor.name}</bdi>.</p>`}`,
  }
}

/** Why there is no button, where a rule says so. */
const hindrances: Partial<Record<ErrorCode, string>> = {
  secondary_staged:
    'A new secret of it is staged already: that one is promoted or cancelled before there can be another.',
  rotation_in_progress: 'It is being rotated already: its old and its new secret work side by side.',
  max_lifetime_exceeded: 'The rules allow no later end: rotate it instead.',
  overlap_too_long: 'The rules allow no longer overlap.',
}

function hindranceOf({ hindrance }: Offers): Html | '' {
  const text = hindrance === null ? undefined : hindrances[hindrance]
  return text === undefined ? '' : html`<p class="soft">${text}</p>`
}

/** With the distance beside the date: people plan by it. */
function when(at: Instant, now: Instant): Html {
  return html`${timeWords('UTC', now).distance(at)}, on ${timeInWords(at)}`
}

function happening(opened: OpenedReminder, { standing, endsAt }: Offers): Html {
  const { about, of, now } = opened
  if (standing === 'revoked') return html`This key was revoked, which is for ever: nothing is left to be done.`
  if (endsAt === never) return html`It does not end any more: nothing is left to be done.`
  const at = when(endsAt, now)
  const what = of.view === null ? 'It' : about.reason === 'overlap_end' ? 'The old secret of this key' : 'It'
  if (about.reason === 'rotation_due')
    return standing === 'over'
      ? html`The rules wanted a new secret ${at}. The present one goes on working.`
      : html`The rules want a new secret ${at}. Nothing ends by itself.`
  if (standing === 'moved' && of.secret?.retiresAt === endsAt)
    return html`That is settled: the key was rotated. Its old secret ends ${at}; whoever still calls with it changes to the new one until then.`
  if (standing === 'moved') return html`That is settled: the date of the mail holds no more. ${what} ends ${at}.`
  if (standing === 'coming')
    return html`${what} ends ${at}.${of.view === null ? '' : ' Calls with it are refused from then on.'}`
  const hasAnother = of.view?.secrets.some((secret) => isLive(secret, now)) ?? false
  const refused = of.view === null ? '' : ' Calls with it are refused.'
  return html`${what} ended ${at}.${refused}${hasAnother ? ' The key has another secret, which works.' : ''}`
}

/** What this visitor may do themselves: one button each, what they came for first. */
function actsFor(
  path: string,
  { extend, rotate, canAcknowledge }: Offers,
  { may }: Visitor,
  first: Wish | null,
): Html | '' {
  const acts: { wish: Wish; act: Html }[] = []
  const look = (wish: Wish) => ((first === null ? wish === 'rotate' : wish === first) ? '' : 'plain')
  if (rotate && may.has('rotate'))
    acts.push({
      wish: 'rotate',
      act: html`<form method="post" action="${path}/rotate" class="act" autocomplete="off"><p><strong>Rotate.</strong> A new secret is made and shown here, once. ${rotate.oldUntil === null ? 'None lives beside it.' : html`The present one goes on beside it until ${timeInWords(rotate.oldUntil)}.`}</p><button class="${look('rotate')}">Make a new secret</button></form>`,
    })
  if (extend && may.has('extend'))
    acts.push({
      wish: 'extend',
      act: html`<form method="post" action="${path}/extend" class="act"><input type="hidden" name="until" value="${formatTime(extend.until)}"><p><strong>Extend.</strong> The secret stays as it is and ends on ${timeInWords(extend.until)}.</p><button class="${look('extend')}">Extend until then</button></form>`,
    })
  if (canAcknowledge && may.size > 0)
    acts.push({
      wish: 'lapse',
      act: html`<form method="post" action="${path}/acknowledge" class="act"><input type="hidden" name="wish" value="acknowledge"><p><strong>Let it lapse.</strong> Nothing changes; you are all reminded again only at the end.</p><button class="${look('lapse')}">I know</button></form>`,
    })
  if (acts.length === 0) return ''
  return html`<div class="acts">${inOrder(acts, first).map(({ act }) => act)}</div>`
}

const inOrder = <T extends { readonly wish: Wish | 'acknowledge' }>(all: readonly T[], first: Wish | null): T[] =>
  all.toSorted((a, b) => Number(isFirst(b.wish, first)) - Number(isFirst(a.wish, first)))

const isFirst = (wish: Wish | 'acknowledge', first: Wish | null) =>
  wish === first || (wish === 'acknowledge' && first === 'lapse')

/**
 * What whoever holds the link can say. Nothing is chosen beforehand: programs that follow the links of a mail submit forms as they find
 * them, too.
 */
function askFor(path: string, { of }: OpenedReminder, offers: Offers, visitor: Visitor, first: Wish | null): Html | '' {
  const canDo = (wish: Wish) => (wish === 'lapse' ? visitor.may.size > 0 : visitor.may.has(wish))
  const words: Record<Wish, string> = {
    rotate: of.view === null ? 'Ask an administrator to have it renewed.' : 'Ask an administrator for a new secret.',
    extend: 'Ask an administrator for a later end.',
    lapse: 'Tell an administrator that nobody needs it any more.',
  }
  const choices: { wish: Wish | 'acknowledge'; text: string }[] = [
    ...(offers.canAcknowledge && visitor.may.size === 0
      ? [{ wish: 'acknowledge' as const, text: 'I know. Remind me again only at the end.' }]
      : []),
    ...offers.wishes.filter((wish) => !canDo(wish)).map((wish) => ({ wish, text: words[wish] })),
  ]
  if (choices.length === 0) return ''
  return html`<form method="post" action="${path}/answer" autocomplete="off">
<fieldset><legend>What should happen?</legend>
${inOrder(choices, first).map(({ wish, text }) => html`<label class="check"><input type="radio" name="wish" value="${wish}" required><span>${text}</span></label>`)}
</fieldset>
<label class="text">A note for the administrator, if you like<textarea name="note" rows="3" maxlength="1000"></textarea></label>
<p><button>Send</button></p>
</form>`
}
