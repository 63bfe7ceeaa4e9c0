import { html } from 'hono/html'
import { formatTime, type Instant } from '../../kernel/instant.ts'
import { type Html, pageDocument, pageHeadersFor } from '../page-document.ts'
import { script } from './script.ts'
import { style } from './style.ts'

export interface Page {
  readonly title: string
  readonly body: Html
}

export const pageHeaders = pageHeadersFor({ style, script })

/** @param from who sent the link, as far as that may be said */
export async function render({ title, body }: Page, from: string | null): Promise<string> {
  const brand = from === null ? 'One-time link' : html`One-time link from <bdi>${from}</bdi>`
  const footer = 'Keyturn keeps no copy of a secret, only its fingerprint.'
  return String(await pageDocument({ title, brand, body, footer, style, script }))
}

const words = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })

export const timeInWords = (instant: Instant): Html =>
  html`<time datetime="${formatTime(instant)}">${words.format(instant)} UTC</time>`
