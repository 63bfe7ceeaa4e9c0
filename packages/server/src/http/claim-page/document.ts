import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { sha256 } from '../../kernel/digest.ts'
import { formatTime, type Instant } from '../../kernel/instant.ts'
import { script } from './script.ts'
import { style } from './style.ts'

/** A piece of a page; whatever was put into it is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

export interface Page {
  readonly title: string
  readonly body: Html
}

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

export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': policy,
  'X-Robots-Tag': 'noindex, nofollow, noarchive',
} as const

export const mark = html`<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="8" cy="8" r="5"/><path d="m11.6 11.6 8.4 8.4M16 16l3-3M19 19l2-2"/></svg>`

/** @param from who sent the link, as far as that may be said */
export async function render({ title, body }: Page, from: string | null): Promise<string> {
  const whole = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>
<main>
<p class="brand">${mark}<span>${from === null ? 'One-time link' : html`One-time link from <bdi>${from}</bdi>`}</span></p>
${body}
</main>
<footer>Keyturn keeps no copy of a secret, only its fingerprint.</footer>
<script>${raw(script)}</script>
</body>
</html>
`
  return String(whole)
}

const words = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })

export const timeInWords = (instant: Instant): Html =>
  html`<time datetime="${formatTime(instant)}">${words.format(instant)} UTC</time>`
