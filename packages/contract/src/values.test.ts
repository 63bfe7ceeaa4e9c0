import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emailAddress, lineOfText, metadata, queryDuration, scopeToken, slug, timestamp } from './values.ts'

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success

describe('a time', () => {
  it('is accepted in every offset, with and without fractions', () => {
    for (const text of [
      '2027-03-01T12:00:00Z',
      '2027-03-01T12:00:00.123Z',
      '2027-03-01T12:00:00+05:30',
      '9999-12-31T23:59:59Z',
    ]) {
      expect(accepts(timestamp, text), text).toBe(true)
    }
  })

  it('without an offset, without a time of day, that does not exist or lies before 1970 is refused', () => {
    for (const text of [
      '2027-03-01T12:00:00',
      '2027-03-01',
      '2027-02-30T12:00:00Z',
      '2027-03-01T25:00:00Z',
      '1969-12-31T23:59:59Z',
      'tomorrow',
      '',
      '1767225600',
      1_767_225_600,
      null,
    ]) {
      expect(accepts(timestamp, text), String(text)).toBe(false)
    }
  })

  it('that is accepted has a year of four digits in UTC, or no store could keep it', () => {
    expect(accepts(timestamp, '9999-12-31T23:59:59-12:00')).toBe(false)
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 11, 31, 23, 59, 59)), noInvalidDate: true }),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        (date, offset) => {
          const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
            String(part).padStart(2, '0'),
          )
          const text = date.toISOString().replace('Z', `${offset < 0 ? '-' : '+'}${hours}:${minutes}`)
          if (accepts(timestamp, text)) expect(new Date(text).toISOString()).toMatch(/^\d{4}-/)
        },
      ),
    )
  })
})

describe('a line of text', () => {
  const name = lineOfText(20)

  it('is trimmed and composed, so that what looks the same is the same', () => {
    expect(name.parse('  Zapie\u0301r ')).toBe('Zapiér')
  })

  it('counts characters as people see them, not code units', () => {
    expect(accepts(name, '🔑'.repeat(20))).toBe(true)
    expect(accepts(name, '🔑'.repeat(21))).toBe(false)
  })

  it.each([
    ['nothing', ''],
    ['white space alone', ' \u00a0\u3000 '],
    ['characters nobody sees', '\u200b\u200d'],
    ['a line break', 'a\nb'],
    ['CR LF', 'a\r\nBcc: b'],
    ['NUL', 'a\0b'],
    ['a line separator', 'a\u2028b'],
    ['a direction override', 'a\u202egpj.exe'],
    ['a direction isolate', 'a\u2066b'],
    ['a lone surrogate', 'a\ud800b'],
  ])('with %s is refused', (_, text) => {
    expect(accepts(name, text)).toBe(false)
  })
})

describe('a slug', () => {
  it('never looks like an id, so that one place can take either', () => {
    fc.assert(
      fc.property(fc.constantFrom('org', 'prj', 'key', 'sec'), fc.string(), (prefix, rest) => {
        expect(accepts(slug, `${prefix}_${rest}`)).toBe(false)
      }),
    )
  })
})

describe('an e-mail address', () => {
  it('is kept in lower case, so that one mailbox is one owner', () => {
    expect(emailAddress.parse('Anna@Example.COM')).toBe('anna@example.com')
  })

  it('cannot carry a second header or a second recipient', () => {
    for (const text of [
      'a@b.example\r\nBcc: c@d.example',
      'a@b.example, c@d.example',
      'a b@c.example',
      '<a@b.example>',
    ])
      expect(accepts(emailAddress, text), text).toBe(false)
  })
})

describe('a scope', () => {
  it('is a token of RFC 6749: no quotes, backslashes, spaces or other alphabets', () => {
    expect(accepts(scopeToken, 'reports:read')).toBe(true)
    for (const text of ['', 'a b', 'a"b', 'a\\b', 'ä', 'a\n']) expect(accepts(scopeToken, text), text).toBe(false)
  })
})

describe('metadata', () => {
  it('of at most 4,096 bytes as JSON is accepted, one byte more is not', () => {
    const ofBytes = (bytes: number) => ({ text: 'x'.repeat(bytes - JSON.stringify({ text: '' }).length) })
    expect(accepts(metadata, ofBytes(4096))).toBe(true)
    expect(accepts(metadata, ofBytes(4097))).toBe(false)
    expect(accepts(metadata, { text: 'ä'.repeat(2100) })).toBe(false)
  })

  it('that PostgreSQL would refuse or change is refused: NUL, lone surrogates, in values and in names, however deep', () => {
    for (const text of ['a\0b', 'a\ud800b']) {
      expect(accepts(metadata, { text })).toBe(false)
      expect(accepts(metadata, { [text]: 1 })).toBe(false)
      expect(accepts(metadata, { list: [{ deep: [text] }] })).toBe(false)
    }
    expect(accepts(metadata, JSON.parse('{"user": {"__proto__": {"admin": true}}}'))).toBe(false)
  })

  it('that is nested without end is refused', () => {
    let nested: unknown = 1
    for (let level = 0; level < 100; level++) nested = [nested]
    expect(accepts(metadata, { nested })).toBe(false)
  })
})

describe('a duration in a query', () => {
  it('is the number of its seconds in every unit', () => {
    expect(['90s', '15m', '12h', '30d', '45'].map((text) => queryDuration.parse(text))).toEqual([
      90, 900, 43_200, 2_592_000, 45,
    ])
  })

  it('of more than a hundred years, negative, broken or in another unit is refused', () => {
    for (const text of ['36501d', '9999999999', '-1d', '1.5d', '1w', '', 'd', '1 d', '1e3'])
      expect(accepts(queryDuration, text), text).toBe(false)
  })
})
