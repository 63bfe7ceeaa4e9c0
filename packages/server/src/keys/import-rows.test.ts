import { digestEncodingOf, importedKey } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../kernel/digest.ts'
import { digestOf, importedHint, refuseValue } from './import-rows.ts'

const values = fc.string({
  unit: fc.constantFrom('a', 'b', 'X', 'Y', '0', '9', '-', '_', '.', '~'),
  minLength: 16,
  maxLength: 200,
})

describe('a digest of another system', () => {
  it('is the same however it was written down', () => {
    fc.assert(
      fc.property(values, (value) => {
        const digest = Buffer.from(sha256(value))
        const written = [
          digest.toString('hex'),
          digest.toString('hex').toUpperCase(),
          digest.toString('base64'),
          digest.toString('base64').replace('=', ''),
          digest.toString('base64url'),
          `${digest.toString('base64url')}=`,
        ]
        for (const text of written) expect(Buffer.from(digestOf({ digest: text })).equals(digest)).toBe(true)
        expect(Buffer.from(digestOf({ value })).equals(digest)).toBe(true)
      }),
    )
  })

  it('is nothing that is longer, shorter, or of other characters', () => {
    const hex = 'a'.repeat(64)
    for (const text of [
      '',
      hex.slice(1),
      `${hex}a`,
      `${hex.slice(1)}g`,
      'A'.repeat(42),
      `${'A'.repeat(42)}*`,
      `${'A'.repeat(44)}==`,
    ])
      expect([text, digestEncodingOf(text)]).toEqual([text, undefined])
  })
})

describe('the hint of an imported key', () => {
  it('shows eight characters of a long value at most, four of a short one, and none of a digest', () => {
    fc.assert(
      fc.property(values, (value) => {
        const hint = importedHint({ value }, sha256(value))
        expect(hint.replace('…', '').length).toBe(value.length < 32 ? 4 : 8)
        expect(value.endsWith(hint.slice(-4))).toBe(true)
      }),
    )
    expect(importedHint({}, sha256('x'))).toMatch(/^sha256:[0-9a-f]{8}…$/)
    expect(importedHint({ hint: 'sk_live_ab…' }, sha256('x'))).toBe('sk_live_ab…')
  })
})

describe('an imported value', () => {
  it('is one that can be presented: no white space, quotes or `Bearer `, visible ASCII, 16 to 512 characters, a JWT to 4,096', () => {
    fc.assert(fc.property(values, (value) => refuseValue(value, 'kt') === null))
    const jwt = `eyJ${'a'.repeat(2000)}.${'b'.repeat(1000)}.${'c'.repeat(100)}`
    expect(refuseValue(jwt, 'kt')).toBeNull()
    const refused = [
      'x'.repeat(15),
      'x'.repeat(513),
      ` ${'x'.repeat(20)}`,
      `"${'x'.repeat(20)}"`,
      `Bearer ${'x'.repeat(20)}`,
    ]
    for (const value of [...refused, `é${'x'.repeat(20)}`, `a\u0000${'x'.repeat(20)}`, `${jwt}${'c'.repeat(1000)}`])
      expect([value, refuseValue(value, 'kt')]).toEqual([value, expect.any(String)])
  })

  it('is given once: as itself or as its digest', () => {
    const [value, digest] = ['x'.repeat(20), 'a'.repeat(64)]
    for (const row of [
      { name: 'Zapier' },
      { name: 'Zapier', value, digest },
      { name: 'Zapier', digest, kind: 'publishable' },
    ])
      expect(importedKey.safeParse(row).success).toBe(false)
    for (const row of [
      { name: 'Zapier', value },
      { name: 'Zapier', digest },
      { name: 'Zapier', value, kind: 'publishable' },
    ])
      expect(importedKey.safeParse(row).success).toBe(true)
  })
})
