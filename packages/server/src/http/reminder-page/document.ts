import { html, raw } from 'hono/html'
import { sha256 } from '../../kernel/digest.ts'
import { type Html, mark, type Page } from '../claim-page/document.ts'
import { script } from '../claim-page/script.ts'
import { style as shared } from '../claim-page/style.ts'

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

const hashOf = (text: string) => `'sha256-${sha256(text).toString('base64')}'`

/** Nothing runs and nothing is drawn but what stands in the page itself; it posts to nobody but us, and nobody may frame it. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export const reminderPageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': policy,
  'X-Robots-Tag': 'noindex, nofollow, noarchive',
} as const

export const opening = 'Opening this page changes nothing; only its buttons do.'

export interface ReminderPage extends Page {
  readonly footer: string
}

/** @param from whose key it is about, as far as that may be said */
export async function renderReminderPage({ title, body, footer }: ReminderPage, from: string | null): Promise<string> {
  const whole: Html = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Keyturn</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>
<main>
<p class="brand">${mark}<span>Keyturn${from === null ? '' : html` for <bdi>${from}</bdi>`}</span></p>
<h1>${title}</h1>
${body}
</main>
<footer>${footer}</footer>
<script>${raw(script)}</script>
</body>
</html>
`
  return String(await whole)
}
