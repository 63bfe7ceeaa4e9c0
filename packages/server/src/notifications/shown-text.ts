/**
 * Text that somebody else wrote, as a mail shows it: one line, of a sensible length, that cannot reorder what stands around it. Names
 * are checked when they are written; user agents, issuers and what an older version let in are not.
 *
 * @param max in characters as people count them (Unicode UAX #29)
 */
export function shownText(text: string, max: number): string {
  return isolate(cut(harmless(text), max))
}

/** The same of several lines, which stay. */
export const shownParagraph = (text: string, max: number): string =>
  cut(
    text
      .split(/\r\n?|\n/)
      .map(harmless)
      .join('\n'),
    max,
  )
    .split('\n')
    .map(isolate)
    .join('\n')

/** A line that was put together from such texts, cut where it is too long for a subject; what isolates them stays whole. */
export function shortened(line: string, max: number): string {
  const text = cut(line.replace(separators, ' '), max)
  const open = text.split(isolateStart).length - text.split(isolateEnd).length
  return text + isolateEnd.repeat(Math.max(0, open))
}

// Control characters and line separators, which could end a header; direction marks, overrides and isolates, which make one text look like
// another; what is drawn as nothing at all. Joiners stay: emoji and several scripts are written with them.
const separators = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
// biome-ignore lint/suspicious/noMisleadingCharacterClass: each of them by itself is meant
const unseen = /[\u00AD\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\u3164\uFEFF\uFFF9-\uFFFB]/g
const heapedMarks = /(\p{M}{4})\p{M}+/gu

const harmless = (text: string): string =>
  text
    .toWellFormed()
    .replace(separators, ' ')
    .replace(unseen, '')
    .replace(heapedMarks, '$1')
    .replace(/ {2,}/g, ' ')
    .trim()

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** What people see as one character may be of any length: the whole is bounded in code units, too. */
function cut(text: string, max: number): string {
  let kept = ''
  let count = 0
  for (const { segment } of characters.segment(text)) {
    if (count === max || kept.length + segment.length > max * 8) return `${kept.trimEnd()}…`
    kept += segment
    count += 1
  }
  return kept
}

// Blocks of the scripts that are written from the right (Unicode UAX #9, classes R and AL).
const rightToLeft = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u

const isolateStart = '\u2068'
const isolateEnd = '\u2069'

/** FIRST STRONG ISOLATE … POP DIRECTIONAL ISOLATE, where there is something that goes the other way. */
const isolate = (text: string): string => (rightToLeft.test(text) ? `${isolateStart}${text}${isolateEnd}` : text)
