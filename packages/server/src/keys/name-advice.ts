import type { Key as WireKey } from '@keyturn/contract'

export type Warning = WireKey['warnings'][number]

/** Text without case, accents and doubled spaces. */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/g, ' ').trim()
}

/** A name as it is compared and sorted. Cut, so that an index can hold it. */
export function nameKeyOf(name: string): string {
  return fold(name).slice(0, 400)
}

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

/** What can be said of a key from its own record. */
export function adviceOn(key: {
  name: string
  owner: string | null
  contact: string | null
  legacy: boolean
}): Warning[] {
  const warnings: Warning[] = []
  if (isVague(key.name)) {
    warnings.push({
      code: 'vague_name',
      detail:
        'The name does not say what the key is for. Name the integration and its environment, as "Zapier, production".',
    })
  }
  if (key.owner === null && key.contact === null && !key.legacy) {
    warnings.push({
      code: 'nobody_would_be_told',
      detail:
        'Nobody would be told before this key expires. Set an owner or a contact, or a notification_email on the organization.',
    })
  }
  return warnings
}

export const duplicateName = (otherId: string): Warning => ({
  code: 'duplicate_name',
  detail: `Another active key of this project, ${otherId}, has the same name. One key per integration, each with its own name.`,
})

export const rotationAdvised: Warning = {
  code: 'rotation_advised',
  detail: 'The owner has changed, and the former one may still hold the secret. Rotate the key.',
}
