import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { searchLexemes, searchTerms } from './search-words.ts'

const key = {
  id: 'key_01k5w3v4x7c8n9m0p1q2r3s4t5',
  name: 'Zápier — Produktion/EU',
  purpose: 'Sends invoices; ask the “Rückgabe” team',
  owner: 'anna.meier@example.com',
  hints: ['kt_live_AbCd…WxYz'],
}

/** Just enough of a tsquery to read our own: quoted lexemes as prefixes, `&`, `|`, brackets. */
function matches(query: string, lexemes: readonly string[]): boolean {
  if (query === '') return false
  let rest = query
  const eat = (token: string) => {
    rest = rest.trimStart()
    if (!rest.startsWith(token)) return false
    rest = rest.slice(token.length)
    return true
  }
  const lexeme = (): boolean => {
    if (eat('(')) {
      const result = either()
      if (!eat(')')) throw new Error(`a bracket is missing before: ${rest}`)
      return result
    }
    rest = rest.trimStart()
    const quoted = /^'((?:''|\\\\|[^'\\])*)':\*/.exec(rest)
    if (!quoted) throw new Error(`not a lexeme: ${rest}`)
    rest = rest.slice(quoted[0].length)
    const prefix = (quoted[1] ?? '').replace(/(['\\])\1/g, '$1')
    return lexemes.some((candidate) => candidate.startsWith(prefix))
  }
  const both = (): boolean => {
    let result = lexeme()
    while (eat('&')) result = lexeme() && result
    return result
  }
  const either = (): boolean => {
    let result = both()
    while (eat('|')) result = both() || result
    return result
  }
  const result = either()
  if (rest.trim() !== '') throw new Error(`left over: ${rest}`)
  return result
}

const finds = (typed: string, of: typeof key = key, organization = 'org_1') =>
  matches(searchTerms(organization, typed).join(' & '), searchLexemes('org_1', of))

describe('a key is found', () => {
  it('by the start of any word of its name, purpose and owner, in any case, with or without accents', () => {
    for (const typed of ['zap', 'ZÁPIER', 'prod', 'eu', 'inv', 'ruckg', 'RÜCK', 'anna', 'meier', 'example', 'com'])
      expect(finds(typed), typed).toBe(true)
  })

  it('by several words, in any order, if all are there', () => {
    expect(finds('produktion zap')).toBe(true)
    expect(finds('zap, prod; inv')).toBe(true)
    expect(finds('zapier stripe')).toBe(false)
  })

  it('not by the middle of a word', () => {
    for (const typed of ['apier', 'duktion', 'nvoices']) expect(finds(typed), typed).toBe(false)
  })

  it('by its id and by its hint, whole, begun, or the last four characters alone', () => {
    for (const typed of [
      'key_01k5w3',
      key.id,
      key.id.toUpperCase(),
      'kt_live_AbCd…WxYz',
      'kt_live_AbCd',
      'kt_li',
      'WxYz',
      'wxyz',
    ])
      expect(finds(typed), typed).toBe(true)
    expect(finds('kt_live_AbCe')).toBe(false)
  })

  it('by its hint whatever the prefix of the installation', () => {
    expect(finds('x9_live_AbCd', { ...key, hints: ['x9_live_AbCd…WxYz'] })).toBe(true)
  })

  it('by its owner, as an address or a part of it', () => {
    for (const typed of ['anna.meier@example.com', 'anna.meier@', 'Anna.Meier@EXAMPLE.com', 'meier@example.com'])
      expect(finds(typed), typed).toBe(true)
    expect(finds('anna.meier@example.org')).toBe(false)
  })

  it('by a name that looks like an id, or a purpose that holds an address', () => {
    const of = { ...key, name: 'billing_export', purpose: 'Ask ops@acme.example' }
    for (const typed of ['billing_export', 'billing_exp', 'ops@acme.example', 'ops@acme'])
      expect(finds(typed, of), typed).toBe(true)
  })

  it('by a whole word however long it is', () => {
    const word = 'donaudampfschifffahrtsgesellschaft'.repeat(6).slice(0, 190)
    expect(finds(word, { ...key, name: word })).toBe(true)
  })

  it('whatever its words, by each of them and by all together', () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, maxLength: 12 }),
      fc.constantFrom(
        'Müller',
        'o’neil',
        "d'arc",
        'a\\b',
        'C++',
        'x_1',
        'İzmir',
        '東京',
        'a@b',
        ':*',
        '!',
        '(',
        'key_x',
      ),
    )
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const of = { ...key, name: words.join(' ') }
        for (const typed of [...words, words.join(' ')])
          if (searchTerms('org_1', typed).length > 0) expect(finds(typed, of), typed).toBe(true)
      }),
    )
  })

  it('never from another organization', () => {
    expect(finds('zapier', key, 'org_2')).toBe(false)
  })
})

describe('what cannot be found', () => {
  it('asks for nothing at all', () => {
    for (const typed of ['', '   ', '--- !', '"', '&|!()']) expect(searchTerms('org_1', typed), typed).toEqual([])
  })
})
