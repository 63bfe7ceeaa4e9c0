import { createPublicKey, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MasterKey, open, seal } from './master-key.ts'
import { randomOctets } from './random.ts'

const octets = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('a sealed text', () => {
  it('is opened by the key that sealed it, and by no other', () => {
    fc.assert(
      fc.property(octets, octets, fc.oneof(fc.string(), fc.constant('schlüssel 🔑')), (key, otherKey, text) => {
        fc.pre(Buffer.compare(key, otherKey) !== 0)
        const sealed = seal(key, text)
        expect(open(key, sealed)).toBe(text)
        expect(() => open(otherKey, sealed)).toThrow()
      }),
    )
  })

  it('with a single bit changed, or with its end cut off, is not opened at all', () => {
    const key = randomOctets(32)
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.nat(7), fc.nat(), (text, place, bit, cut) => {
        const sealed = seal(key, text)
        const changed = Buffer.from(sealed)
        const at = place % changed.length
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        expect(() => open(key, changed)).toThrow()
        expect(() => open(key, sealed.subarray(0, cut % sealed.length))).toThrow()
      }),
    )
  })

  it('is another one each time, so that nobody sees that two answers are the same', () => {
    const key = randomOctets(32)
    expect(seal(key, 'the same')).not.toEqual(seal(key, 'the same'))
  })

  it('does not contain what was sealed', () => {
    expect(seal(randomOctets(32), 'kt_live_plain').toString('latin1')).not.toContain('kt_live')
  })
})

describe('a master key', () => {
  it('has 32 bytes, not one more or less', () => {
    for (const length of [0, 16, 31, 33, 64]) expect(() => new MasterKey(new Uint8Array(length))).toThrow(RangeError)
  })

  it('gives the same keys after every start, and another one gives others', () => {
    const [kept, other] = [randomOctets(32), new MasterKey(randomOctets(32))]
    const [once, again] = [new MasterKey(kept), new MasterKey(kept)]
    expect(once.checkValue()).toEqual(again.checkValue())
    expect(once.checkValue()).not.toEqual(other.checkValue())
    expect(once.answerKey('bearer')).toEqual(again.answerKey('bearer'))
    expect(once.answerKey('bearer')).not.toEqual(other.answerKey('bearer'))
    const signature = sign(null, Buffer.from('head'), once.auditSigningKey())
    const isSignedBy = (key: MasterKey) =>
      verify(null, Buffer.from('head'), createPublicKey(key.auditSigningKey()), signature)
    expect([isSignedBy(again), isSignedBy(other)]).toEqual([true, false])
  })

  it('seals an answer for one bearer alone: neither the database with the master key nor another bearer opens it', () => {
    const masterKey = new MasterKey(randomOctets(32))
    const sealed = seal(masterKey.answerKey('the bearer of the call'), 'value')
    expect(() => open(masterKey.answerKey('another bearer'), sealed)).toThrow()
    expect(() => open(masterKey.answerKey(''), sealed)).toThrow()
    expect(() => open(masterKey.checkValue(), sealed)).toThrow()
  })

  it('has a key of its own for each use, none of them its own bytes', () => {
    const kept = randomOctets(32)
    const masterKey = new MasterKey(kept)
    const derived = [
      masterKey.checkValue(),
      Buffer.from(masterKey.answerKey('')),
      masterKey.auditSigningKey().export({ format: 'der', type: 'pkcs8' }).subarray(-32),
    ].map((key) => key.toString('hex'))
    expect(new Set([...derived, kept.toString('hex')]).size).toBe(4)
  })
})
