import { DomainError } from '../kernel/errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * JSON as strictly as RFC 8259 §4 and §8.1 would like it: UTF-8 without errors, and no name twice in an object. Of doubled names
 * one reader takes the first and another the last; what a proxy checked would not be what is done here.
 *
 * @throws DomainError invalid_json
 */
export function parseStrictJson(octets: Uint8Array): unknown {
  let text: string
  try {
    text = decoder.decode(octets)
  } catch {
    throw new DomainError('invalid_json', { reason: 'The body is not UTF-8.' })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DomainError('invalid_json', { reason: 'The body cannot be read as JSON.' })
  }
  const doubled = findDoubledName(text)
  if (doubled !== undefined) {
    throw new DomainError('invalid_json', { reason: `The name ${JSON.stringify(doubled)} occurs twice in one object.` })
  }
  return value
}

/** @param text valid JSON */
function findDoubledName(text: string): string | undefined {
  // One entry for each open bracket: the names seen in an object, null for an array.
  const open: (Set<string> | null)[] = []
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g
  let previous = ''
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match
    const names = open.at(-1)
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (token.startsWith('"') && names && previous !== ':') {
      const name: unknown = JSON.parse(token)
      if (typeof name === 'string') {
        if (names.has(name)) return name
        names.add(name)
      }
    }
    previous = token
  }
  return undefined
}
