import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastCharacters, refusePassword } from './passwords.ts'

describe('a new password (NIST SP 800-63B-4, 3.1.1.2)', () => {
  it.each([
    'four words are enough',
    'tr0ub4dor y tres palabras',
    'ein Satz, den sich nur Ada merkt',
    '日本語でも十五文字以上あれば大丈夫です',
    'xK9 vQ2 mZ7 pL4 wR8',
    'no composition rules at all here',
  ])('may be %j: no rules of composition, any script, spaces too', (password) => {
    expect(refusePassword(password, ['Ada', 'ada@example.com'])).toBeNull()
  })

  it.each([
    ['fourteen chars', /14 characters; take at least 15/],
    ['x'.repeat(257), /at most 256/],
    ['passwordpassword', /everybody tries first/],
    ['Password1234567890', /everybody tries first/],
    ['123456789012345678', /everybody tries first/],
    ['aaaaaaaaaaaaaaaaaaaa', /everybody tries first/],
    ['abcabcabcabcabcabcabc', /everybody tries first/],
    ['qwertyuiopasdfghjkl', /everybody tries first/],
    ['Keyturn-Keyturn-2026', /everybody tries first/],
    ['correct horse battery staple', /everybody tries first/],
    ['ada.lovelace@acme.example', /everybody tries first/],
    ['Ada Lovelace Acme 2026', /everybody tries first/],
  ])('may not be %j', (password, why) => {
    expect(refusePassword(password, ['Ada Lovelace', 'ada.lovelace@acme.example', 'Acme'])).toMatch(why)
  })

  it('counts characters, not bytes, so that one of another script is no longer than it looks', () => {
    expect(refusePassword('鍵鍵鍵鍵')).toMatch(/4 characters/)
    expect(refusePassword('🔑🗝️🔒🔓')).toMatch(/take at least/)
  })

  it('of random letters is never refused for what it is made of, and a shorter one always', () => {
    const letters = fc.array(fc.constantFrom(...'bdfghjklmnpqrstvwxyz0369'.split('')), { minLength: 24, maxLength: 64 })
    fc.assert(
      fc.property(letters, fc.integer({ min: 0, max: leastCharacters - 1 }), (made, length) => {
        const password = made.join('')
        fc.pre(new Set(made).size > 12)
        expect(refusePassword(password)).toBeNull()
        expect(refusePassword(password.slice(0, length))).not.toBeNull()
      }),
    )
  })
})
