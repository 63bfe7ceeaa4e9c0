import { htmlOf } from './mail-html.ts'
import type { MailParts } from './mail-parts.ts'
import { shortened } from './shown-text.ts'

/** A mail as it goes out. */
export interface RenderedMail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

// What mail servers take whole, and what lists show of it.
const longestSubject = 180

export function layOut(parts: MailParts): RenderedMail {
  const subject = shortened(parts.subject, longestSubject)
  return { subject, text: textOf(parts), html: htmlOf(parts, subject) }
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
