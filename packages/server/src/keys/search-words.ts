import { fold } from './name-advice.ts'

/**
 * The words under which a key is found: runs of letters and digits, and, whole, what is looked for as it is written: ids, hints,
 * addresses, and names of that look (`billing_export`). Each carries its organization, so that a search in one never walks
 * through the words of the others.
 */
export function searchLexemes(
  organizationId: string,
  key: { id: string; name: string; purpose: string | null; owner: string | null; hints: readonly string[] },
): string[] {
  const lexemes = new Set<string>()
  const add = (sort: Sort, text: string) => lexemes.add(lexeme(organizationId, sort, text))
  for (const text of [key.name, key.purpose, key.owner]) {
    if (!text) continue
    const folded = fold(text)
    for (const word of splitWords(folded)) add('/', word)
    for (const whole of findWholes(folded)) add('=', whole)
  }
  for (const hint of key.hints) {
    const end = hint.slice(-4).toLowerCase()
    if (isWord.test(end)) add('/', end)
    const folded = fold(hint)
    if (isWhole.test(folded)) add('=', folded)
  }
  add('=', key.id.toLowerCase())
  return [...lexemes]
}

/**
 * Tsqueries, all of which a key must match: every word that was typed must be the start of one of its words.
 *
 * @returns none where nothing was typed that could be found
 */
export function searchTerms(organizationId: string, typed: string): string[] {
  const lexemes = splitParts(fold(typed)).flatMap((part) => {
    const words = splitWords(part)
    if (words.length === 0 || !isWhole.test(part)) return words.map((word) => lexeme(organizationId, '/', word))
    return [lexeme(organizationId, '=', trim(part))]
  })
  return [...new Set(lexemes)].map((one) => `${quote(one)}:*`)
}

const isWord = /^[\p{L}\p{N}]+$/u
// Begins at one place alone, and has nothing around it.
const isPlainAddress = /^[a-z0-9]+@[a-z0-9.-]*[a-z0-9]$/
const isWhole = /^[a-z][a-z0-9]{1,15}_[\w.]+$|@/

/** Each begins at any word and goes on to the end: `one_two_three` is found by `two_three`, too. */
const beginsWhole = /(?<![\p{L}\p{N}])(?=([a-z][a-z0-9]{1,15}_[\w.]+))/gu
const beginsAddress = /(?<![\p{L}\p{N}])(?=[\p{L}\p{N}].*@)/gu

function findWholes(text: string): string[] {
  if (!text.includes('_') && !text.includes('@')) return []
  if (isPlainAddress.test(text)) return [text]
  const addresses = splitParts(text)
    .filter((part) => part.includes('@'))
    .map(trim)
    .flatMap((part) => [part, ...Array.from(part.matchAll(beginsAddress), ({ index }) => part.slice(index))])
  return [...Array.from(text.matchAll(beginsWhole), ([, whole]) => whole ?? ''), ...addresses]
}

/** Without the brackets, quotation marks and full stops around an address. */
const trim = (part: string) => part.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}@]+$/gu, '')

const splitParts = (text: string) => text.split(/[\s\p{Cc}]+/u)

const splitWords = (text: string): readonly string[] => text.match(/[\p{L}\p{N}]+/gu) ?? []

/**
 * Words and wholes are kept apart, or `key` would walk through the ids of all keys. Lexemes are at most 2,046 bytes in PostgreSQL;
 * nobody types the end of a word that long. Of the organization its random half is enough, and a third less to store.
 */
function lexeme(organizationId: string, sort: Sort, text: string): string {
  return `${organizationId.slice(-16)}${sort}${text.slice(0, sort === '/' ? 100 : 300)}`
}

/** A word, or a whole. */
type Sort = '/' | '='

/** A quoted lexeme of a tsquery: quotes and backslashes are doubled (PostgreSQL, 8.11.2). */
const quote = (text: string) => `'${text.replace(/['\\]/g, '$&$&')}'`
