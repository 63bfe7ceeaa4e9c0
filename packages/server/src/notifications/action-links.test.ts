import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MasterKey } from '../kernel/master-key.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import { actionLinks, expiryOfLinks, type LinkSubject, openActionLink } from './action-links.ts'

const day = 86_400_000
const masterKey = new MasterKey(randomBytes(32))
const about = (fields: Partial<LinkSubject> = {}): LinkSubject => ({
  organizationId: 'org_1',
  keyId: 'key_1',
  subjectId: 'sec_1',
  reason: 'expiry',
  endsAt: 100 * day,
  recipient: 'ada@example.com',
  expiresAt: 130 * day,
  ...fields,
})
const tokenOf = (subject: LinkSubject, by = masterKey) =>
  actionLinks(by, 'https://keys.example.com', subject).extend.split('/').at(-2) ?? ''
const open = (token: string, now = 0, by = masterKey) => openActionLink(by, new SecretValue(token), now)

describe('the token of a link', () => {
  it('says what it was made for, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 254 }), fc.option(fc.string()), (recipient, keyId) => {
        // JSON writes a lone surrogate as an escape, so that it comes back as it was.
        const subject = about({ recipient, keyId })
        expect(open(tokenOf(subject))).toEqual(subject)
      }),
    )
  })

  it('opens nothing once a single character of it is another, or missing', () => {
    const token = tokenOf(about())
    for (let place = 0; place < token.length; place++) {
      const other = token[place] === 'A' ? 'B' : 'A'
      const altered = token.slice(0, place) + other + token.slice(place + 1)
      // The last character has bits that stand for nothing: with them it is the same token.
      if (Buffer.from(altered, 'base64url').equals(Buffer.from(token, 'base64url'))) continue
      expect(open(altered), String(place)).toBeNull()
      expect(open(token.slice(0, place)), String(place)).toBeNull()
    }
  })

  it('opens nothing elsewhere, nor once its time is over', () => {
    const token = tokenOf(about())
    expect(open(token, 130 * day - 1)).toEqual(about())
    expect(open(token, 130 * day)).toBeNull()
    expect(open(token, 0, new MasterKey(randomBytes(32)))).toBeNull()
    expect(open('x'.repeat(100_000))).toBeNull()
  })

  it('gives away nobody’s address, and is another one each time', () => {
    const [first, second] = [tokenOf(about()), tokenOf(about())]
    expect(first).not.toBe(second)
    expect(Buffer.from(first, 'base64url').toString('latin1')).not.toContain('ada@example.com')
  })

  it('lasts 30 days from the end, or from when it was announced, if that is later', () => {
    expect(expiryOfLinks(100 * day, 50 * day)).toBe(130 * day)
    expect(expiryOfLinks(100 * day, 140 * day)).toBe(170 * day)
  })
})
