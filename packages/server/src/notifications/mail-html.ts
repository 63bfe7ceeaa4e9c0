import type { MailParts, Section, Tone, Way } from './mail-parts.ts'
import { Markup, markup } from './markup.ts'
import { shownText } from './shown-text.ts'

/**
 * A mail for programs of every age: tables and styles in the elements themselves (Outlook draws with Word, and Gmail drops what it does not
 * know), no pictures, nothing from elsewhere. Those that know `color-scheme` show it dark where their reader likes that.
 */
export function htmlOf(parts: MailParts, subject: string): string {
  const { organizationName, title, lead, sections, further, footer, settingsUrl } = parts
  const [only, ...others] = sections
  const isOne = only !== undefined && others.length === 0 && only.title === title
  const cards = isOne
    ? [card(only.tone, [heading('h1', title), paragraph(lead), ...bodyOf(only)])]
    : [
        card('calm', [heading('h1', title), paragraph(lead, style.lastParagraph)]),
        ...sections.map((section) =>
          card(section.tone, [heading('h2', section.title), paragraph(section.lead), ...bodyOf(section)]),
        ),
      ]
  if (further)
    cards.push(
      card('calm', [
        heading('h2', further.title),
        markup`<p ${style.facts} class="soft">${inLines(further.lines)}</p>`,
      ]),
    )
  return markup`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>${subject}</title>
<style>${sheet}</style>
</head>
<body class="page" ${style.page}>
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${lead}</div>
<div role="article" aria-roledescription="email" aria-label="${subject}" lang="en">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" bgcolor="#f4f5f7"><tr><td align="center" class="edge" style="padding:28px 16px">
${only600}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">
<tr><td class="soft" ${style.brand}><strong class="text" style="color:#1b1f24">Keyturn</strong> for ${shownText(organizationName, 100)}</td></tr>
${cards}
<tr><td class="soft" ${style.footer}>${inLines(footer)}${settingsUrl === null ? '' : markup`<br><a class="link" href="${settingsUrl}" ${style.link}>What is mailed to whom</a>`}</td></tr>
</table>
${end600}
</td></tr></table>
</div>
</body>
</html>
`.text
}

/** Word does not know `max-width`. */
const only600 = Markup.trusted(
  '<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->',
)
const end600 = Markup.trusted('<!--[if mso]></td></tr></table><![endif]-->')

const attribute = (text: string) => Markup.trusted(`style="${text}"`)
const font = "font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif"

const style = {
  page: attribute('margin:0;padding:0;background-color:#f4f5f7;-webkit-text-size-adjust:100%'),
  brand: attribute(`padding:0 4px 14px;${font};font-size:14px;line-height:20px;color:#57606a;word-break:break-word`),
  card: attribute(`padding:26px 28px 28px;${font};font-size:16px;line-height:24px;color:#1b1f24;word-break:break-word`),
  h1: attribute('margin:0 0 10px;font-size:23px;line-height:30px;font-weight:700;color:#1b1f24'),
  h2: attribute('margin:0 0 8px;font-size:18px;line-height:25px;font-weight:700;color:#1b1f24'),
  paragraph: attribute('margin:0 0 16px;font-size:16px;line-height:24px;color:#1b1f24'),
  lastParagraph: attribute('margin:0;font-size:16px;line-height:24px;color:#1b1f24'),
  name: attribute(
    `width:92px;padding:8px 12px 8px 0;border-top:1px solid #d8dee4;${font};font-size:14px;line-height:21px;color:#57606a;vertical-align:top`,
  ),
  value: attribute(
    `padding:8px 0;border-top:1px solid #d8dee4;${font};font-size:14px;line-height:21px;color:#1b1f24;vertical-align:top;word-break:break-word`,
  ),
  facts: attribute(`margin:0;${font};font-size:14px;line-height:22px;color:#57606a`),
  advice: attribute('margin:16px 0 0;font-size:15px;line-height:23px;color:#1b1f24'),
  primary: attribute('background-color:#1f5fd1;border:1px solid #1f5fd1;border-radius:8px'),
  plain: attribute('background-color:#ffffff;border:1px solid #8c959f;border-radius:8px'),
  primaryLink: attribute(
    `display:block;padding:9px 6px;${font};font-size:15px;line-height:20px;font-weight:600;color:#ffffff;text-decoration:none`,
  ),
  plainLink: attribute(
    `display:block;padding:9px 6px;${font};font-size:15px;line-height:20px;font-weight:600;color:#1f5fd1;text-decoration:none`,
  ),
  means: attribute(`padding:0 0 0 16px;${font};font-size:14px;line-height:20px;color:#57606a`),
  footer: attribute(`padding:6px 4px 0;${font};font-size:13px;line-height:20px;color:#57606a;word-break:break-word`),
  link: attribute('color:#1f5fd1'),
} as const

const edges = { calm: '#8c959f', soon: '#d9a514', over: '#cf222e' } as const satisfies Record<Tone, string>

const sheet = Markup.trusted(`
:root{color-scheme:light dark;supported-color-schemes:light dark}
a:focus-visible{outline:3px solid #1f5fd1;outline-offset:2px}
@media(max-width:480px){.edge{padding:16px 8px!important}td.card{padding:20px 18px 22px!important}.name{width:72px!important}.h1{font-size:21px!important;line-height:27px!important}}
@media(prefers-color-scheme:dark){
.page{background-color:#0d1117!important}
.card{background-color:#161b22!important;color:#e6edf3!important}
.frame{border-top-color:#30363d!important;border-right-color:#30363d!important;border-bottom-color:#30363d!important}
.text,.h1,.h2{color:#e6edf3!important}
.soft{color:#9da7b3!important}
.name{color:#9da7b3!important;border-color:#30363d!important}
.value{color:#e6edf3!important;border-color:#30363d!important}
.primary{background-color:#4c8dff!important;border-color:#4c8dff!important}
.primary a{color:#06142e!important}
.plain{background-color:#161b22!important;border-color:#6e7681!important}
.plain a,.link{color:#78a9ff!important}
}
`)

/** A table of its own for each, because Word draws no borders around anything else. */
const card = (tone: Tone, content: readonly Markup[]): Markup =>
  markup`<tr><td style="padding:0 0 16px"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" class="card frame" style="background-color:#ffffff;border:1px solid #d8dee4;border-left:4px solid ${edges[tone]};border-radius:10px;border-collapse:separate"><tr><td class="card" ${style.card}>${content}</td></tr></table></td></tr>
`

const heading = (level: 'h1' | 'h2', text: string): Markup =>
  level === 'h1' ? markup`<h1 class="h1" ${style.h1}>${text}</h1>` : markup`<h2 class="h2" ${style.h2}>${text}</h2>`

const paragraph = (text: string, look: Markup = style.paragraph): Markup => markup`<p class="text" ${look}>${text}</p>`

const inLines = (lines: readonly string[]): Markup[] =>
  lines.map((line, place) => (place === 0 ? markup`${line}` : markup`<br>${line}`))

function bodyOf({ facts, advice = [], ways = [] }: Section): Markup[] {
  const rows = facts.map(
    ([name, value]) =>
      markup`<tr><td class="name" ${style.name}>${name}</td><td class="value" ${style.value}>${inLines(value.split('\n'))}</td></tr>`,
  )
  return [
    markup`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">${rows}</table>`,
    ...advice.map((line) => markup`<p class="text" ${style.advice}>${line}</p>`),
    ...(ways.length === 0
      ? []
      : [
          markup`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin-top:18px">${ways.map(wayRow)}</table>`,
        ]),
  ]
}

/** The whole of the button is the link, and its colour is the cell's. */
function wayRow({ label, url, means }: Way, place: number): Markup {
  const [cell, link, name] =
    place === 0 ? [style.primary, style.primaryLink, 'primary'] : [style.plain, style.plainLink, 'plain']
  return markup`<tr><td width="124" valign="middle" style="width:124px;padding:0 0 10px"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" class="${name}" ${cell}><a href="${url}" ${link}>${label}</a></td></tr></table></td><td valign="middle" style="padding:0 0 10px"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="soft" ${style.means}>${sentence(means)}</td></tr></table></td></tr>`
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
