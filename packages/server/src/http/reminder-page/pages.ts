import type { ErrorCode } from '@keyturn/contract'
import { html } from 'hono/html'
import { formatTime, type Instant, never } from '../../kernel/instant.ts'
import { endOf, isLive } from '../../keys/secret.ts'
import { normalise } from '../../keys/slots.ts'
import type { KeyView } from '../../keys/view-keys.ts'
import type { Wish } from '../../notifications/action-links.ts'
import type { OpenedReminder } from '../../notifications/open-reminder.ts'
import type { Offers } from '../../notifications/reminder-offers.ts'
import type { RequestOutcome } from '../../notifications/request-change.ts'
import { timeWords } from '../../notifications/time-words.ts'
import { type Html, type Page, timeInWords } from '../claim-page/document.ts'

/** Who looks at it: somebody who is signed in, with what they may do, or whoever holds the link. */
export interface Visitor {
  readonly name: string | null
  readonly may: ReadonlySet<'extend' | 'rotate'>
  /** Where to sign in and come back. */
  readonly signInPath: string
}

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
): Page {
  const name = nameOf(opened)
  return {
    title: name,
    body: html`<p>${happening(opened, offers)}</p>
${note === null ? hindranceOf(offers) : html`<p class="note ${note.kind}" role="alert">${note.text}</p>`}
${factsOf(opened)}
${actsFor(path, offers, visitor, first)}
${askFor(path, opened, offers, visitor, first)}
${visitor.name === null ? html`<p class="soft small">Do you look after keys here? <a href="${visitor.signInPath}">Sign in</a> to extend or rotate it yourself.</p>` : html`<p class="soft small">Signed in as <bdi>${visitor.name}</bdi>.</p>`}`,
  }
}

export const extendedPage = (opened: OpenedReminder, until: Instant): Page => ({
  title: 'It goes on',
  body: html`<p><bdi>${nameOf(opened)}</bdi> ends on ${timeInWords(until)} by now. The secret is the same as before: nothing need be put in place.</p>${factsOf(opened)}`,
})

export const acknowledgedPage = (opened: OpenedReminder): Page => ({
  title: 'Noted',
  body: html`<p>Reminders of <bdi>${nameOf(opened)}</bdi> are quiet now, for everybody, until shortly before the end. Nothing else has changed.</p>${factsOf(opened)}`,
})

/** What became of asking an administrator. */
export function askedPage(opened: OpenedReminder, outcome: RequestOutcome): Page {
  const organization = html`<bdi>${opened.organization.name}</bdi>`
  const said = {
    asked: html`A mail to the administrators of ${organization} is on its way. The key is as it was: they decide.`,
    asked_before: html`The administrators of ${organization} were asked for that within the last 24 hours already. No further mail was sent.`,
    nobody_to_ask: html`${organization} has no administrator with an address. Nothing was sent: ask whoever gave you the key.`,
  } as const satisfies Record<RequestOutcome, Html>
  const titles = { asked: 'Asked', asked_before: 'Asked already', nobody_to_ask: 'There is nobody to ask' } as const
  return { title: titles[outcome], body: html`<p>${said[outcome]}</p>${factsOf(opened)}` }
}

/** After a rotation: the value, this once. @param view as it is after it */
export function rotatedPage(opened: OpenedReminder, view: KeyView, secretId: string, value: string): Page {
  const made = view.secrets.find(({ id }) => id === secretId)
  const slots = normalise(view.secrets, view.now)
  return {
    title: `A new secret for ${nameOf(opened)}`,
    body: html`<p class="note"><strong>Keep it now.</strong> Once this page is closed or loaded again, nobody can show the secret another time.</p>
<section aria-labelledby="secret-label">
<h2 id="secret-label">Secret</h2>
<div class="box"><code class="secret" id="secret">${value}</code><button type="button" class="plain" data-copies="secret" aria-label="Copy the secret" hidden>Copy</button></div>
<span class="state" id="secret-state" role="status">One click on it selects all of it.</span>
</section>
<p class="after">It works at once, ${made === undefined || endOf(made) === never ? 'without an end' : html`until ${timeInWords(endOf(made))}`}. ${slots.state === 'retiring' ? html`The one before works beside it until ${timeInWords(endOf(slots.secondary))}: put the new one in its place until then.` : 'It works alone: the one before has ended.'}</p>
${factsOf(opened)}`,
  }
}

export const unknownLinkPage: Page = {
  title: 'This link works no more',
  body: html`<p>Its time is over, the key is gone, or it was not copied as a whole: some mail programs break long links in two. Copy all of it into the address bar.</p>
<p>If that does not help, ask an administrator of the organization that the mail was about.</p>`,
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

const nameOf = ({ of }: OpenedReminder): string => (of.view === null ? of.credential.name : of.view.key.name)

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
  if (standing === 'moved') return html`That is settled: the date of the mail holds no more. ${what} ends ${at}.`
  if (standing === 'coming')
    return html`${what} ends ${at}.${of.view === null ? '' : ' Calls with it are refused from then on.'}`
  const hasAnother = of.view?.secrets.some((secret) => isLive(secret, now)) ?? false
  const refused = of.view === null ? '' : ' Calls with it are refused.'
  return html`${what} ended ${at}.${refused}${hasAnother ? ' The key has another secret, which works.' : ''}`
}

function factsOf({ of, organization, project, now }: OpenedReminder): Html {
  const { owner, id } = of.view === null ? of.credential : of.view.key
  const words = timeWords('UTC', now)
  const used = of.secret?.lastUsedAt ?? null
  return html`<dl>
<div><dt>${of.view === null ? 'Credential' : 'Key'}</dt><dd>${id}${of.secret === null ? '' : html`, secret ${of.secret.hint}`}</dd></div>
${of.credential?.issuer ? html`<div><dt>Issued by</dt><dd><bdi>${of.credential.issuer}</bdi></dd></div>` : ''}
<div><dt>Where</dt><dd><bdi>${organization.name}</bdi>${project === null ? '' : html`, <bdi>${project.name}</bdi>`}${of.view?.key.environment === 'test' ? ' (test environment)' : ''}</dd></div>
<div><dt>Owner</dt><dd>${owner === null ? 'Nobody' : html`<bdi>${owner}</bdi>`}</dd></div>
${of.view === null ? '' : html`<div><dt>Last called</dt><dd>${used === null ? 'Never' : words.distance(used)}</dd></div>`}
</dl>`
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
