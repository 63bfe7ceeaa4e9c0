import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { sha256 } from '../kernel/digest.ts'

/** A piece of a page; whatever was put into it is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

interface PageDocument {
  readonly title: string
  /** Beside the mark. */
  readonly brand: Html | string
  readonly body: unknown
  readonly footer?: string
  readonly style: string
  readonly script?: string
}

/** A page of the server's own, as for whoever has no account or no scripts. All that it needs stands in it. */
export const pageDocument = ({ title, brand, body, footer, style, script }: PageDocument): Html => html`<!doctype html>
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
<p class="brand">${mark}<span>${brand}</span></p>
${body}
</main>
${footer === undefined ? '' : html`<footer>${footer}</footer>`}
${script === undefined ? '' : html`<script>${raw(script)}</script>`}
</body>
</html>
`

/** Nothing runs and nothing is drawn but what stands in the page itself; it posts to nobody but us, and nobody may frame it. */
export const pageHeadersFor = ({ style, script }: { readonly style: string; readonly script?: string }) => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Robots-Tag': 'noindex, nofollow, noarchive',
})

const hashOf = (text: string) => `'sha256-${sha256(text).toString('base64')}'`

const mark = html`<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="8" cy="8" r="5"/><path d="m11.6 11.6 8.4 8.4M16 16l3-3M19 19l2-2"/></svg>`
