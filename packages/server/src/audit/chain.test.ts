import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MasterKey } from '../kernel/master-key.ts'
import { randomOctets } from '../kernel/random.ts'
import { genesisHash, isHeadSigned, linkOf, signHead } from './chain.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const sequence = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2 ** 50 }))
const body = fc.json().map((text) => `{"a":${text}}`)
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')

describe('the link of an event', () => {
  it('is another one for another event, another place or another past', () => {
    fc.assert(
      fc.property(fc.tuple(hash, sequence, body), fc.tuple(hash, sequence, body), (one, other) => {
        const isSame = hex(one[0]) === hex(other[0]) && one[1] === other[1] && one[2] === other[2]
        expect(hex(linkOf(...one)) === hex(linkOf(...other))).toBe(isSame)
      }),
    )
    expect(hex(linkOf(genesisHash, 1, '{"a":1}'))).not.toBe(hex(linkOf(genesisHash, 11, '{"a":1}')))
  })

  it('can be computed by anybody with SHA-256: previous hash, sequence in decimal, stored text', () => {
    // printf: 32 zero bytes, then `1{}`, through sha256sum.
    expect(hex(linkOf(genesisHash, 1, '{}'))).toBe('e9a57e265cc6b415103ff00e36c027d8a7209fde94514f586a7a43bba616da3b')
  })
})

describe('the signature of a head', () => {
  const [key, otherKey] = [new MasterKey(randomOctets(32)), new MasterKey(randomOctets(32))].map((one) =>
    one.auditSigningKey(),
  ) as [ReturnType<MasterKey['auditSigningKey']>, ReturnType<MasterKey['auditSigningKey']>]

  it('holds for that very chain, place and hash, under that very key', () => {
    fc.assert(
      fc.property(sequence, hash, hash, (place, head, otherHead) => {
        fc.pre(hex(head) !== hex(otherHead))
        const signature = signHead(key, 'org_1', place, head)
        expect(isHeadSigned(key, 'org_1', place, head, signature)).toBe(true)
        expect(isHeadSigned(otherKey, 'org_1', place, head, signature)).toBe(false)
        expect(isHeadSigned(key, 'org_2', place, head, signature)).toBe(false)
        expect(isHeadSigned(key, 'org_1', place + 1, head, signature)).toBe(false)
        expect(isHeadSigned(key, 'org_1', place, otherHead, signature)).toBe(false)
      }),
      { numRuns: 30 },
    )
  })
})
