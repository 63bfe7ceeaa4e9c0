import { fold } from './name-advice.ts'

/** Ids, hints and addresses are found as they are written; in everything else a word is a run of letters and digits. */
const whole = /^[a-z][a-z0-9]{1,15}_[\w.]+$|@/

/**
 * The words under which a key is found. Each carries its organization, so that a search in one never walks through the words
 * of the others.
 */
export function searchLexemes(
  organizationId: string,
  key: { id: string; name: string; purpose: string | null; owner: string | null; hints: readonly string[] },
): string[] {
  const words = new Set<string>([key.id.toLowerCase(), ...wordsOf(key.name), ...wordsOf(key.purpose ?? '')])
  if (key.owner !== null) for (const word of [key.owner, ...wordsOf(key.owner)]) words.add(word)
  for (const hint of key.hints) {
    words.add(fold(hint))
    words.add(hint.slice(-4).toLowerCase())
  }
  return [...words].map((word) => `${organizationId}/${word}`)
}

/**
 * A tsquery: every word that was typed must be the start of a word of the key. What looks like an id, a hint or an address may be
 * a name of that look, too (`billing_export`), and is looked for as both.
 *
 * @returns null where nothing was typed that could be found
 */
export function searchQuery(organizationId: string, typed: string): string | null {
  const startOf = (word: string) => `${quote(`${organizationId}/${word}`)}:*`
  const parts = fold(typed)
    .split(/[\s\p{Cc}]+/u)
    .flatMap((part) => {
      const words = splitWords(part).map((word) => startOf(cut(word)))
      return words.length > 0 && whole.test(part) ? [`(${startOf(part.slice(0, longestWhole))} | (${words.join(' & ')}))`] : words
    })
  return parts.length === 0 ? null : [...new Set(parts)].join(' & ')
}

/** Longer than any address; lexemes are at most 2,046 bytes in PostgreSQL. */
const longestWhole = 300

const splitWords = (text: string) => text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')

const cut = (word: string) => word.slice(0, 100)

const wordsOf = (text: string) => splitWords(fold(text)).map(cut)

/** A quoted lexeme of a tsquery: quotes and backslashes are doubled (PostgreSQL, 8.11.2). */
const quote = (lexeme: string) => `'${lexeme.replace(/['\\]/g, '$&$&')}'`
