import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { parseStrictJson } from './strict-json.ts'

const parse = (text: string) => parseStrictJson(Buffer.from(text))
const reasonFor = (octets: Uint8Array): unknown => {
  try {
    parseStrictJson(octets)
  } catch (error) {
    if (error instanceof DomainError && error.code === 'invalid_json') return error.facts.reason
    throw error
  }
  return null
}

describe('strict JSON', () => {
  it('is whatever JSON.parse gives, where no name occurs twice', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const value: unknown = JSON.parse(text)
        expect(parse(JSON.stringify(value, null, indent))).toEqual(value)
      }),
    )
  })

  it('refuses a name that occurs twice in one object, wherever that is and however it is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.nat(6), fc.json(), (name, depth, value) => {
        const escaped = `"${[...name]
          .flatMap((character) => character.split(''))
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join('')}"`
        const object = `{${JSON.stringify(name)}:${value},"other than that one":1,${escaped}:${value}}`
        const text = `${'{"a":['.repeat(depth)}${object}${']}'.repeat(depth)}`
        expect(reasonFor(Buffer.from(text))).toBe(`The name ${JSON.stringify(name)} occurs twice in one object.`)
      }),
    )
  })

  it('lets the same name stand in different objects, and as a value beside itself', () => {
    for (const text of [
      '[{"a":1},{"a":2}]',
      '{"a":{"a":{"a":"a"}}}',
      '{"a":["a","a"],"b":"a"}',
      '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    ]) {
      expect(parse(text)).toEqual(JSON.parse(text))
    }
  })

  it('names no name that is in no object: strings with brackets and quotes in them confuse it not', () => {
    expect(parse('{"a":"}{\\"","b":"\\\\","c":"[,:"}')).toEqual({ a: '}{"', b: '\\', c: '[,:' })
  })

  it('refuses octets that are no UTF-8, and what is no JSON', () => {
    for (const octets of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      expect(reasonFor(Uint8Array.from(octets))).toBe('The body is not UTF-8.')
    }
    for (const text of ['', ' ', '{', 'undefined', "{'a':1}", '{"a":1,}', '01', '"\n"']) {
      expect(reasonFor(Buffer.from(text))).toBe('The body cannot be read as JSON.')
    }
  })

  it('comes to an end with nesting as deep as a body can hold, in little time', () => {
    const startedAt = performance.now()
    expect(reasonFor(Buffer.from('['.repeat(131_072) + ']'.repeat(131_072)))).toBeNull()
    expect(reasonFor(Buffer.from(`[${'"a",'.repeat(60_000)}"${'\\\\'.repeat(1_000)}"]`))).toBeNull()
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it('takes `__proto__` for the name that it is', () => {
    expect(Object.keys(parse('{"__proto__":{"polluted":true}}') as object)).toEqual(['__proto__'])
    expect(reasonFor(Buffer.from('{"__proto__":1,"__proto__":2}'))).toMatch(/occurs twice/)
  })
})
