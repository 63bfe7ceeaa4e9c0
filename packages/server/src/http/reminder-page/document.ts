import { html } from 'hono/html'
import type { Page } from '../claim-page/document.ts'
import { script } from '../claim-page/script.ts'
import { style as shared } from '../claim-page/style.ts'
import { pageDocument, pageHeadersFor } from '../page-document.ts'

const style = `${shared}
fieldset{margin:1.75rem 0 0;padding:0;border:0}
legend{padding:0;margin:0 0 .8rem;font-weight:600;font-size:1.05rem}
.check{margin:0 0 .7rem}
.text{display:block;margin:1.1rem 0 1.25rem;font-weight:600}
textarea{display:block;width:100%;margin:.35rem 0 0;padding:.65rem .8rem;font:inherit;font-weight:400;color:inherit;background:var(--field);border:1px solid var(--edge);border-radius:.6rem;resize:vertical}
.act{display:flex;gap:.4rem 1.25rem;align-items:center;padding:1rem 0;border-bottom:1px solid var(--line)}
.act p{flex:1;margin:0}
.act button{min-width:13rem}
.acts{margin:-1.5rem 0 1.5rem}
.after{margin-top:1.25rem}
:root{--edge:#868e97}
@media(prefers-color-scheme:dark){:root{--edge:#6e7681}}
@media(max-width:36rem){.act{flex-direction:column;align-items:stretch}}
`

export const reminderPageHeaders = pageHeadersFor({ style, script })

export const opening = 'Opening this page changes nothing; only its buttons do.'

export interface ReminderPage extends Page {
  readonly footer: string
}

/** @param from whose key it is about, as far as that may be said */
export async function renderReminderPage({ title, body, footer }: ReminderPage, from: string | null): Promise<string> {
  const brand = html`Keyturn${from === null ? '' : html` for <bdi>${from}</bdi>`}`
  const whole = html`<h1>${title}</h1>
${body}`
  return String(await pageDocument({ title: `${title} · Keyturn`, brand, body: whole, footer, style, script }))
}
