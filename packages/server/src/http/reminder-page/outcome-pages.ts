import { html } from 'hono/html'
import { type Instant, never } from '../../kernel/instant.ts'
import { endOf } from '../../keys/secret.ts'
import { normalise } from '../../keys/slots.ts'
import type { KeyView } from '../../keys/view-keys.ts'
import type { OpenedReminder } from '../../notifications/open-reminder.ts'
import type { RequestOutcome } from '../../notifications/request-change.ts'
import { timeInWords } from '../claim-page/document.ts'
import type { Html } from '../page-document.ts'
import { opening, type ReminderPage } from './document.ts'
import { factsOf, nameOf } from './facts.ts'

const recorded = 'It is on record in the audit trail.'

export const extendedPage = (opened: OpenedReminder, until: Instant): ReminderPage => ({
  title: 'It goes on',
  footer: recorded,
  body: html`<p><bdi>${nameOf(opened)}</bdi> ends on ${timeInWords(until)} by now. The secret is the same as before: nothing need be put in place.</p>${factsOf(opened)}`,
})

export const acknowledgedPage = (opened: OpenedReminder): ReminderPage => ({
  title: 'Noted',
  footer: recorded,
  body: html`<p>Reminders of <bdi>${nameOf(opened)}</bdi> are quiet now, for everybody, until shortly before the end. Nothing else has changed.</p>${factsOf(opened)}`,
})

/** What became of asking an administrator. */
export function askedPage(opened: OpenedReminder, outcome: RequestOutcome): ReminderPage {
  const organization = html`<bdi>${opened.organization.name}</bdi>`
  const said = {
    asked: html`A mail to the administrators of ${organization} is on its way. The key is as it was: they decide.`,
    asked_before: html`The administrators of ${organization} were asked for that within the last 24 hours already. No further mail was sent.`,
    nobody_to_ask: html`${organization} has no administrator with an address. Nothing was sent: ask whoever gave you the key.`,
  } as const satisfies Record<RequestOutcome, Html>
  const titles = { asked: 'Asked', asked_before: 'Asked already', nobody_to_ask: 'There is nobody to ask' } as const
  return {
    title: titles[outcome],
    footer: outcome === 'asked' ? recorded : opening,
    body: html`<p>${said[outcome]}</p>${factsOf(opened)}`,
  }
}

/** After a rotation: the value, this once. @param view as it is after it */
export function rotatedPage(opened: OpenedReminder, view: KeyView, secretId: string, value: string): ReminderPage {
  const made = view.secrets.find(({ id }) => id === secretId)
  const slots = normalise(view.secrets, view.now)
  const isPublic = view.key.kind === 'publishable'
  return {
    title: `A new secret for ${nameOf(opened)}`,
    footer: isPublic
      ? 'Everybody may see a publishable value: the key shows it later, too.'
      : 'Keyturn keeps no copy of a secret, only its fingerprint.',
    body: html`${isPublic ? '' : html`<p class="note"><strong>Keep it now.</strong> Once this page is closed or loaded again, nobody can show the secret another time.</p>`}
<section aria-labelledby="secret-label">
<h2 id="secret-label">Secret</h2>
<div class="box"><code class="secret" id="secret">${value}</code><button type="button" class="plain" data-copies="secret" aria-label="Copy the secret" hidden>Copy</button></div>
<span class="state" id="secret-state" role="status">One click on it selects all of it.</span>
</section>
<p class="after">It works at once, ${made === undefined || endOf(made) === never ? 'without an end' : html`until ${timeInWords(endOf(made))}`}. ${slots.state === 'retiring' ? html`The one before works beside it until ${timeInWords(endOf(slots.secondary))}: put the new one in its place until then.` : 'It works alone: the one before has ended.'}</p>
${factsOf(opened)}`,
  }
}

export const unknownLinkPage: ReminderPage = {
  title: 'This link works no more',
  footer: opening,
  body: html`<p>Its time is over, the key is gone, or it was not copied as a whole: some mail programs break long links in two. Copy all of it into the address bar.</p>
<p>If that does not help, ask an administrator of the organization that the mail was about.</p>`,
}
