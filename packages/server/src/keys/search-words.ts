import { fold } from './name-advice.ts'

/** Ids and hints are found as they are written; in everything else a word is a run of letters and digits. */
const whole = /^[a-z]{2,16}_[\w.]+$/

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
 * A tsquery: every word that was typed must be the start of a word of the key.
 *
 * @returns null where nothing was typed that could be found
 */
export function searchQuery(organizationId: string, typed: string): string | null {
  const words = fold(typed)
    .split(/\s+/)
    .flatMap((part) => (whole.test(part) || part.includes('@') ? [part] : splitWords(part)))
    .filter((word) => word !== '')
  if (words.length === 0) return null
  return [...new Set(words)].map((word) => `${quote(`${organizationId}/${word}`)}:*`).join(' & ')
}

const splitWords = (text: string) => text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')

/** Lexemes are at most 2,046 bytes in PostgreSQL; nobody types the end of a word that long. */
const wordsOf = (text: string) => splitWords(fold(text)).map((word) => word.slice(0, 100))

/** A quoted lexeme of a tsquery: quotes and backslashes are doubled (PostgreSQL, 8.11.2). */
const quote = (lexeme: string) => `'${lexeme.replace(/['\\]/g, '$&$&')}'`
