/** Text without case, accents and doubled spaces. */
export function fold(text: string): string {
  const plain = isAscii.test(text) ? text : text.normalize('NFKD').replace(/\p{M}/gu, '')
  return plain.toLowerCase().replace(/\s+/g, ' ').trim()
}

// Has nothing to take apart. Of an import's names and addresses most are so.
const isAscii = /^[ -~]*$/

/** Words that say nothing by themselves, in lower case without accents. */
export const vagueWords: readonly string[] = `
  api key keys token secret credential password access integration app application
  test tests testing demo example sample dummy foo bar baz asdf xxx abc
  old new temp tmp temporary default untitled unnamed unknown misc other backup copy first second
  my the a of dev prod live main
`
  .trim()
  .split(/\s+/)

/** Does a name say nothing about what the key is for? All its words are empty ones, numbers aside: `test`, `API key 2`, `old`. */
export function isVague(name: string): boolean {
  const words = fold(name)
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.replace(/\d+$/, ''))
    .filter((word) => word !== '')
  return words.every((word) => vagueWords.includes(word) || [...word].length === 1)
}
