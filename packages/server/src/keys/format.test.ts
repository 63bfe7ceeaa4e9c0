import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SecretValue } from '../kernel/secret-value.ts'
import {
  checksumOf,
  explainMiss,
  hintOf,
  longestForeign,
  longestJwt,
  mintValue,
  prefixesOf,
  prefixOf,
  shapeOf,
} from './format.ts'

const keyPrefix = fc.constantFrom('kt', 'acme2', 'x9')
const minted = keyPrefix.chain((own) =>
  fc.constantFrom(...prefixesOf(own)).map((prefix) => ({ own, prefix, value: mintValue(prefix).reveal() })),
)
const base62 = fc.constantFrom(...Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'))
const anyCharacter = fc.oneof(
  base62,
  fc.string({ minLength: 1, maxLength: 1 }),
  fc.constantFrom(' ', '"', '_', 'é', '🔑'),
)

describe('a minted value', () => {
  it('is of our shape, for its own installation alone', () => {
    fc.assert(
      fc.property(minted, ({ own, prefix, value }) => {
        expect(value).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{38}$`))
        expect(shapeOf(value, own)).toBe('ours')
        expect(shapeOf(value, 'other')).toBe('other')
        expect(explainMiss(value, own)).toMatchObject({ code: 'NOT_FOUND', hint: expect.stringMatching(/well formed/) })
      }),
    )
  })

  it('says in its prefix what it is for', () => {
    expect(prefixOf('kt', 'secret', 'live')).toBe('kt_live_')
    expect(prefixOf('kt', 'secret', 'test')).toBe('kt_test_')
    expect(prefixOf('kt', 'jwt', 'live')).toBe('kt_live_')
    expect(prefixOf('kt', 'publishable', 'live')).toBe('kt_pub_live_')
    expect(prefixOf('acme', 'publishable', 'test')).toBe('acme_pub_test_')
  })

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 5000 }, () => mintValue('kt_live_').reveal())).size).toBe(5000)
  })

  it('ends in a checksum that anybody can compute: CRC-32 of all before, as six base62 characters', () => {
    // The check value of CRC-32/ISO-HDLC is 0xCBF43926 for the text 123456789.
    expect(checksumOf('123456789')).toBe('3jZRME')
    expect(checksumOf('')).toBe('000000')
    fc.assert(fc.property(fc.string(), (text) => /^[0-9A-Za-z]{6}$/.test(checksumOf(text))))
  })
})

/** What a copy by hand or by a careless tool does to a value after its prefix. */
const damaged = fc
  .record({ origin: minted, place: fc.nat(37), character: anyCharacter, how: fc.constantFrom('change', 'lose', 'add') })
  .map(({ origin, place, character, how }) => {
    const at = origin.prefix.length + place
    const [before, after] = [origin.value.slice(0, at), origin.value.slice(at + (how === 'add' ? 0 : 1))]
    return { ...origin, damaged: `${before}${how === 'lose' ? '' : character}${after}` }
  })
  .filter((sample) => sample.damaged !== sample.value)

describe('a value with one character changed, lost or added after the prefix', () => {
  it('is never taken for one of ours, and is MALFORMED', () => {
    fc.assert(
      fc.property(damaged, ({ own, damaged: text }) => {
        expect(shapeOf(text, own)).not.toBe('ours')
        expect(explainMiss(text, own).code).toBe('MALFORMED')
      }),
      { numRuns: 2000 },
    )
  })

  it('with two neighbours swapped is MALFORMED too', () => {
    fc.assert(
      fc.property(minted, fc.nat(36), ({ own, prefix, value }, place) => {
        const at = prefix.length + place
        const [a, b] = [value.charAt(at), value.charAt(at + 1)]
        fc.pre(a !== b)
        const swapped = `${value.slice(0, at)}${b}${a}${value.slice(at + 2)}`
        expect(shapeOf(swapped, own)).toBe('wrong checksum')
        expect(explainMiss(swapped, own).code).toBe('MALFORMED')
      }),
    )
  })
})

describe('the hint of a value that no key has', () => {
  const { value } = { value: mintValue('kt_live_').reveal() }
  const explain = (text: string) => explainMiss(text, 'kt')

  const dirty: [string, string, RegExp][] = [
    ['a space before it', ` ${value}`, /white space around/],
    ['a line break after it', `${value}\n`, /white space around/],
    ['CR LF after it', `${value}\r\n`, /white space around/],
    ['a no-break space', `\u00a0${value}`, /white space around/],
    ['a byte order mark', `\ufeff${value}`, /white space around/],
    ['a space within', `${value.slice(0, 20)} ${value.slice(20)}`, /white space in it/],
    ['double quotes', `"${value}"`, /quotes/],
    ['single quotes', `'${value}'`, /quotes/],
    ['typographic quotes', `“${value}”`, /quotes/],
    ['one quote that was left over', `${value}"`, /quotes/],
    ['backticks', `\`${value}\``, /quotes/],
    ['Bearer', `Bearer ${value}`, /`Bearer `/],
    ['bearer in another case', `bEaReR  ${value}`, /`Bearer `/],
    ['Bearer with a colon', `Bearer:${value}`, /`Bearer `/],
    ['Bearer alone', 'Bearer', /`Bearer `/],
    ['Bearer inside quotes', `"Bearer ${value}"`, /quotes around it and `Bearer `/],
    ['everything at once', ` "Bearer '${value}' "\n`, /white space around it, quotes around it and `Bearer `/],
  ]
  it.each(dirty)('names what came along: %s', (_, text, hint) => {
    expect(explain(text)).toEqual({ code: 'MALFORMED', hint: expect.stringMatching(hint) })
    expect(explain(text).hint).toMatch(/Send the bare value/)
  })

  const broken: [string, string, RegExp][] = [
    ['cut off', value.slice(0, 30), /cut off: it has 30 of 46 characters/],
    ['the prefix alone', 'kt_live_', /cut off: it has 8 of 46/],
    ['too long', `${value}0`, /too long: it has 47 characters instead of 46/],
    ['a wrong checksum', `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`, /checksum is wrong/],
    ['a character that keys do not have', `${value.slice(0, 10)}-${value.slice(11)}`, /Character 11 .* do not have/],
    ['nothing at all', '', /too short/],
    ['a few characters', 'secret', /too short for a key: 6 characters/],
    ['more than any key has', 'x'.repeat(longestForeign + 1), /too long for a key/],
    ['a JWT longer than any', `eyJ${'x'.repeat(longestJwt)}.a.b`, /too long for a key/],
  ]
  it.each(broken)('says what is broken: %s', (_, text, hint) => {
    expect(explain(text)).toEqual({ code: 'MALFORMED', hint: expect.stringMatching(hint) })
  })

  it('of any other string of 16 to 512 characters, a JWT of up to 4,096, says that there is no such key', () => {
    for (const text of ['x'.repeat(16), 'x'.repeat(512), `eyJ${'x'.repeat(4000)}.a.b`, 'sk_other_0123456789abcdef'])
      expect(explain(text).code, `${text.length} characters`).toBe('NOT_FOUND')
  })

  it('never repeats the value, nor five characters of it: hints end up in logs', () => {
    const before = fc.constantFrom('', ' ', '"', 'Bearer ', "'Bearer ", '\n')
    const after = fc.constantFrom('', ' ', '"', "'", '\r\n')
    fc.assert(
      fc.property(damaged, before, after, fc.boolean(), (sample, left, right, whole) => {
        const { hint } = explainMiss(`${left}${whole ? sample.value : sample.damaged}${right}`, sample.own)
        for (let at = sample.prefix.length; at + 5 <= sample.value.length; at++)
          expect(hint).not.toContain(sample.value.slice(at, at + 5))
      }),
    )
  })

  it('is found for every string there is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), (text) => {
        expect(['MALFORMED', 'NOT_FOUND']).toContain(explain(text).code)
      }),
    )
  })

  it('takes no longer for a string that was made to take long', () => {
    const longest = 16_000
    const made = ['"', ' "', 'Bearer ', ' ', 'Bearer"'].flatMap((part) => {
      const text = part.repeat(longest / part.length)
      return [text, `x${text}x`]
    })
    const startedAt = performance.now()
    for (const text of made) explain(text)
    // About 10 ms; looking at each character again for each other one, it was seconds.
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})

describe('the hint that a key is told apart by', () => {
  it('has the prefix, the first four and the last four characters, and nothing of the 30 between', () => {
    const value = `kt_pub_test_${'AbCd'}${'0'.repeat(30)}${'WxYz'}`
    expect(hintOf('kt_pub_test_', new SecretValue(value))).toBe('kt_pub_test_AbCd…WxYz')
  })
})
