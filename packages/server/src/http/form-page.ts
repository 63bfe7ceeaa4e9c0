import { html, raw } from 'hono/html'
import { style as shared } from './claim-page/style.ts'
import { type Html, pageDocument, pageHeadersFor } from './page-document.ts'

const style = `${shared}
main{max-width:28rem}
footer{max-width:28rem}
label{display:block;margin:0 0 1.1rem;font-weight:600}
input{display:block;width:100%;margin:.35rem 0 0;padding:.65rem .8rem;font:inherit;font-weight:400;color:inherit;background:var(--field);border:1px solid var(--edge);border-radius:.6rem}
input:focus{outline:3px solid var(--accent);outline-offset:0;border-color:var(--accent)}
label small{display:block;margin:.35rem 0 0;font-weight:400;color:var(--soft)}
form{margin-top:1.5rem}
form button{width:100%;margin:.4rem 0 0}
main nav{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;margin:1.5rem 0 0;font-size:.9rem}
:root{--edge:#868e97}
@media(prefers-color-scheme:dark){:root{--edge:#6e7681}}
`

export const formPageHeaders = pageHeadersFor({ style })

const toConsole = "location.replace('/console')"
/** On from a page for those without scripts, for those with. */
export const onwards = html`<script>${raw(toConsole)}</script>`
export const onwardsHeaders = pageHeadersFor({ style, script: toConsole })

export interface Field {
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly type?: 'text' | 'email' | 'password' | 'hidden'
  /** What password managers go by (WHATWG HTML, autofill). */
  readonly autocomplete?: string
  readonly value?: string
}

export interface Form {
  readonly title: string
  readonly lead?: string | Html
  readonly action: string
  readonly fields: readonly Field[]
  readonly button: string
  readonly problem?: { readonly title: string; readonly detail: string }
  readonly links?: readonly { readonly to: string; readonly text: string }[]
}

export const page = (title: string, body: unknown): Html =>
  pageDocument({
    title: `${title} · Keyturn`,
    brand: 'Keyturn',
    body: html`<h1>${title}</h1>
${body}`,
    style,
  })

function field({ name, label, hint, type = 'text', autocomplete = 'off', value = '' }: Field): Html {
  if (type === 'hidden') return html`<input type="hidden" name="${name}" value="${value}">`
  const described = hint === undefined ? '' : raw(` aria-describedby="${name}-hint"`)
  return html`<label>${label}<input name="${name}" type="${type}" autocomplete="${autocomplete}" value="${value}"${described} required>${hint === undefined ? '' : html`<small id="${name}-hint">${hint}</small>`}</label>`
}

export const formPage = ({ title, lead, action, fields, button, problem, links = [] }: Form): Html =>
  page(
    title,
    html`${lead === undefined ? '' : html`<p class="soft">${lead}</p>`}
${problem === undefined ? '' : html`<p class="note bad" role="alert"><strong>${problem.title}.</strong> ${problem.detail}</p>`}
<form method="post" action="${action}">
${fields.map(field)}
<button>${button}</button>
</form>
${links.length === 0 ? '' : html`<nav aria-label="Other ways">${links.map(({ to, text }) => html`<a href="${to}">${text}</a>`)}</nav>`}`,
  )
