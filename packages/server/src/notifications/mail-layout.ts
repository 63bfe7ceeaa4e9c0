import { type Markup, markup } from './markup.ts'
import { shortened } from './shown-text.ts'

/** A mail as it goes out. */
export interface RenderedMail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A way out: the page that it opens, which has the button. */
export interface Way {
  readonly label: string
  readonly url: string
  /** What it would do, in a sentence. */
  readonly means: string
}

/** What a mail consists of. Text and HTML are both made from it, so that they say the same. */
export interface Section {
  readonly title: string
  /** What will happen, when. */
  readonly lead: string
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly advice?: readonly string[]
  /** The first is the one that suits most readers. */
  readonly ways?: readonly Way[]
}

export interface MailParts {
  readonly subject: string
  readonly organizationName: string
  readonly title: string
  readonly lead: string
  readonly sections: readonly Section[]
  /** What there is besides, a line each. */
  readonly further?: { readonly title: string; readonly lines: readonly string[] }
  /** Why it came, and what else its reader may want to know. */
  readonly footer: readonly string[]
  readonly settingsUrl: string | null
}

// What mail servers take whole, and what lists show of it.
const longestSubject = 180

export function layOut(parts: MailParts): RenderedMail {
  return { subject: shortened(parts.subject, longestSubject), text: textOf(parts), html: htmlOf(parts).text }
}

const rule = '-'.repeat(64)

function textOf({ title, lead, sections, further, footer, settingsUrl }: MailParts): string {
  const lines = [title, lead]
  for (const section of sections) {
    lines.push('', rule)
    if (section.title !== title) lines.push(section.title)
    if (section.lead !== lead) lines.push(section.lead)
    lines.push('', ...section.facts.map(([name, value]) => `${name}: ${value.replaceAll('\n', '\n  ')}`))
    if (section.advice) lines.push('', ...section.advice)
    for (const { label, means, url } of section.ways ?? []) lines.push('', `${label}: ${means}`, url)
  }
  if (further) lines.push('', rule, further.title, '', ...further.lines.map((line) => `- ${line}`))
  lines.push('', rule, ...footer)
  if (settingsUrl !== null) lines.push(`Settings: ${settingsUrl}`)
  return `${lines.join('\n')}\n`
}

function htmlOf({ title, lead, sections }: MailParts): Markup {
  return markup`<!doctype html><html lang="en"><body><h1>${title}</h1><p>${lead}</p>${sections.map(({ facts, ways = [] }) => markup`<table>${facts.map(([name, value]) => markup`<tr><td>${name}</td><td>${value}</td></tr>`)}</table>${ways.map(({ label, url, means }) => markup`<p><a href="${url}">${label}</a> ${means}</p>`)}`)}</body></html>`
}
