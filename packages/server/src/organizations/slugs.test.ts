import { slug } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slugFrom } from './slugs.ts'

describe('a slug made from a name', () => {
  it('is one that could have been given, or empty where the name has no letter or digit for it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(' ', '-', 'ä', 'ß', 'A', '1', 'é', '東', '_', '🔑') })),
        (name) => {
          const made = slugFrom(name)
          if (made !== '') expect(slug.safeParse(made).success, made).toBe(true)
        },
      ),
    )
  })

  it('is what a person would write', () => {
    expect(slugFrom('Zapier — Produktion')).toBe('zapier-produktion')
    expect(slugFrom('Café São  Paulo!')).toBe('cafe-sao-paulo')
    expect(slugFrom('東京')).toBe('')
  })

  it('of a long name is cut between its characters, and never ends in a dash', () => {
    expect(slugFrom(`${'a'.repeat(49)} b`)).toBe('a'.repeat(49))
    expect(slugFrom('ab '.repeat(50))).toMatch(/^(?:ab-)*a?b?$/)
  })

  it('is the same when made twice', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(slugFrom(slugFrom(name))).toBe(slugFrom(name))
      }),
    )
  })
})
