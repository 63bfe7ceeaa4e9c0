import { html } from 'hono/html'
import { type Instant, never } from '../../kernel/instant.ts'
import { endOf } from '../../keys/secret.ts'
import { normalise } from '../../keys/slots.ts'
import type { KeyView } from '../../keys/view-keys.ts'
import type { Organization } from '../../organizations/organization.ts'
import type { Standing } from '../../rotation/claim-rules.ts'
import type { OpenedClaimLink } from '../../rotation/claim-secret.ts'
import type { Html } from '../page-document.ts'
import { type Page, timeInWords } from './document.ts'

/** Before: what it is about, and the one button. @param trouble why it was not done, where it was tried */
export function openPage(opened: OpenedClaimLink, trouble: string | null = null): Page {
  const { link, view, organization } = opened
  return {
    title: `A new secret for ${view.key.name}`,
    body: html`<h1>A new secret for <bdi>${view.key.name}</bdi></h1>
<p>When you press the button, a new secret for this key is made and shown to you, once. Nobody at <bdi>${organization.name}</bdi> sees it.</p>
<dl>
${purposeOf(view)}
${placeOf(opened)}
<div><dt>The present secret</dt><dd>${presentSecret(view)}</dd></div>
<div><dt>This link</dt><dd>Can be used once, until ${timeInWords(link.expiresAt)}</dd></div>
</dl>
${trouble === null ? '' : html`<p class="note bad" role="alert">${trouble}</p>`}
<form method="post" autocomplete="off">
<label class="check"><input type="checkbox" name="confirm" value="yes" required><span>This link is meant for me, and I have a safe place ready for the secret, such as a secret manager.</span></label>
<p><button>Make the secret and show it</button></p>
</form>
<p class="soft small">You did not expect this? Close the page: nothing has happened, and nothing will. ${askSentence(organization, 'Questions')}</p>`,
  }
}

/** After: the value, this once. @param url where the API is */
export function claimedPage(
  opened: OpenedClaimLink,
  view: KeyView,
  secretId: string,
  value: string,
  url: string,
): Page {
  const { organization } = opened
  const slots = normalise(view.secrets, view.now)
  const made = view.secrets.find(({ id }) => id === secretId)
  const older = slots.state === 'staged' ? slots.primary : null
  return {
    title: `Your new secret for ${view.key.name}`,
    body: html`<h1>Your new secret for <bdi>${view.key.name}</bdi></h1>
<p class="note"><strong>Keep it now.</strong> Once this page is closed or loaded again, nobody can show the secret another time.</p>
<section aria-labelledby="secret-label">
<h2 id="secret-label">Secret</h2>
${copied('secret', 'Copy the secret', html`<code class="secret" id="secret">${value}</code>`)}
</section>
<dl>
${purposeOf(view)}
${placeOf(opened)}
<div><dt>Works</dt><dd>At once, ${made === undefined || endOf(made) === never ? 'without an end' : html`until ${timeInWords(endOf(made))}`}</dd></div>
</dl>
<h2>What to do next</h2>
<ol>
<li>Keep the secret where your integration reads it from. Never send it by mail or chat.</li>
<li>Put it in the place of the old one. ${older === null ? 'The old one has ended: this one works alone.' : html`Both work side by side${endOf(older) === never ? '' : html` until ${timeInWords(endOf(older))}`}, so nothing is interrupted.`}</li>
<li>Try it with the command below: the answer begins with <code>{"valid":true</code>.</li>
<li>Tell ${whom(organization)} that it is in place${older === null ? '' : ', so that the old one can be ended'}.</li>
</ol>
<section aria-labelledby="curl-label">
<h2 id="curl-label">Try it</h2>
${copied('curl', 'Copy the command', html`<pre id="curl">${curlOf(url, value)}</pre>`)}
</section>`,
  }
}

type Hindrance = Exclude<Standing, { kind: 'open' }>

/** What is in the way, until when, and whom to ask. */
export function hindrancePage({ link, organization, view }: OpenedClaimLink, standing: Hindrance): Page {
  const { title, sentences } = describe(standing, link.expiresAt)
  return {
    title,
    body: html`<h1>${title}</h1>
<p class="soft">It is about the key <bdi>${view.key.name}</bdi>.</p>
${sentences.map((sentence) => html`<p>${sentence}</p>`)}
<p>${askSentence(organization, 'What now')}</p>`,
  }
}

function describe(standing: Hindrance, usableUntil: Instant): { title: string; sentences: (Html | string)[] } {
  const stays = html`This link stays good until ${timeInWords(usableUntil)}: open it again then.`
  switch (standing.kind) {
    case 'claimed':
      return {
        title: 'This link was already used',
        sentences: [
          html`It was used on ${timeInWords(standing.at)}. The secret was shown then, once, and cannot be shown again.`,
          'If that was you, and you have kept the secret, all is well. If it was not you, or the secret got lost, say so at once: it can be taken back, and another link sent.',
        ],
      }
    case 'withdrawn':
      return {
        title: 'This link was withdrawn',
        sentences: [html`It can no longer be used since ${timeInWords(standing.at)}. No secret was made with it.`],
      }
    case 'expired':
      return {
        title: 'The time of this link is over',
        sentences: [html`It could be used until ${timeInWords(standing.at)}. No secret was made with it.`],
      }
    case 'revoked':
      return {
        title: 'The key of this link was revoked',
        sentences: ['That is for ever: no new secret can be made for it, and no secret of it works.'],
      }
    case 'disabled':
      return {
        title: 'The key of this link is disabled',
        sentences: ['A new secret of it would be refused. It may be enabled again.', stays],
      }
    case 'staged':
      return {
        title: 'Another new secret is there already',
        sentences: [
          'One was made in another way and waits to be put in place. Until that is settled there cannot be a third.',
          stays,
        ],
      }
    case 'retiring':
      return {
        title: 'The key of this link is being rotated',
        sentences: [
          html`Its old and its new secret work side by side until ${timeInWords(standing.until)}, or until somebody ends that. Then there can be another.`,
          standing.until < usableUntil
            ? stays
            : html`This link ends on ${timeInWords(usableUntil)}: you may need another one.`,
        ],
      }
  }
}

export const unknownPage: Page = {
  title: 'This link is not known here',
  body: html`<h1>This link is not known here</h1>
<p>Perhaps it was not copied as a whole: some mail programs break long links in two. Copy all of it into the address bar.</p>
<p>If that does not help, ask whoever sent it to you for another.</p>`,
}

/** @param reference for whoever runs the installation to find it in the log */
export const troublePage = (reference: string): Page => ({
  title: 'That is not possible at the moment',
  body: html`<h1>That is not possible at the moment</h1>
<p>Something is wrong here, not with your link. Wait a moment, and open it again.</p>
<p>Should it then say that it was used, ask whoever sent it to you for another.</p>
<p class="soft small">Reference: <code>${reference}</code></p>`,
})

/** With one click it is selected as a whole; the button comes with JavaScript. */
const copied = (id: string, label: string, text: Html): Html =>
  html`<div class="box">${text}<button type="button" class="plain" data-copies="${id}" aria-label="${label}" hidden>Copy</button></div>
<span class="state" id="${id}-state" role="status">One click on it selects all of it.</span>`

const purposeOf = ({ key }: KeyView): Html | '' =>
  key.purpose === null ? '' : html`<div><dt>What it is for</dt><dd><bdi>${key.purpose}</bdi></dd></div>`

const placeOf = ({ organization, project, view }: OpenedClaimLink): Html =>
  html`<div><dt>Where</dt><dd><bdi>${organization.name}</bdi>, <bdi>${project.name}</bdi>${view.key.environment === 'test' ? ' (test environment)' : ''}</dd></div>`

function presentSecret({ secrets, now }: KeyView): Html | string {
  const slots = normalise(secrets, now)
  if (slots.state === 'none') return 'Has ended: calls with it are refused'
  const end = endOf(slots.primary)
  return end === never ? 'Goes on working' : html`Goes on working until ${timeInWords(end)}`
}

const whom = ({ name, notificationEmail }: Organization): Html =>
  notificationEmail === null
    ? html`whoever sent you this link`
    : html`<bdi>${name}</bdi> at <a href="mailto:${notificationEmail}">${notificationEmail}</a>`

const askSentence = (organization: Organization, about: string): Html => html`${about}? Ask ${whom(organization)}.`

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** For a shell. */
const curlOf = (url: string, value: string): string =>
  `curl -H ${quoted(`Authorization: Bearer ${value}`)} ${quoted(`${url}/v1/keys/self`)}`
