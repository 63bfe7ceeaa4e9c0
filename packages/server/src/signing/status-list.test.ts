import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { statusAt } from '../../test/support/tokens.ts'
import { knownOfflineBy, type ListedStatus, listedStatuses, packStatuses, placesPerList } from './status-list.ts'

const octetsOf = (lst: string) => inflateSync(Buffer.from(lst, 'base64url'))

describe('the decoder of these tests', () => {
  // Token Status List §4.1 and §4.2, and the compressed lists of §9.1.
  it.each([
    ['one bit', 1, [0xb9, 0xa3], 'eNrbuRgAAhcBXQ', [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
    ['two bits', 2, [0xc9, 0x44, 0xf9], 'eNo76fITAAPfAgc', [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
  ] as const)('reads the example of the specification with %s', (_, bits, octets, lst, statuses) => {
    expect([...octetsOf(lst)]).toEqual(octets)
    expect(statuses.map((_status, index) => statusAt(Uint8Array.from(octets), bits, index))).toEqual(statuses)
    expect(() => statusAt(Uint8Array.from(octets), bits, statuses.length)).toThrow(RangeError)
  })
})

describe('a status list', () => {
  it('says of each token what is so, and that every other is valid', () => {
    const status = fc.constantFrom<ListedStatus>('invalid', 'suspended')
    const entry = fc.record({ index: fc.nat(placesPerList - 1), status })
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ index }) => index, maxLength: 40 }), (refused) => {
        const octets = octetsOf(packStatuses(refused))
        expect(octets.length).toBe(32_768)
        for (const { index, status: said } of refused) {
          const own = octets.subarray(index >> 2, (index >> 2) + 1)
          expect(statusAt(own, 2, index & 3)).toBe(listedStatuses[said])
        }
        const set = octets.reduce((count, octet) => count + [0, 2, 4, 6].filter((bit) => (octet >> bit) & 3).length, 0)
        expect(set).toBe(refused.length)
      }),
      { numRuns: 30 },
    )
  })

  it('has the first and the last place, and no further', () => {
    const octets = octetsOf(packStatuses([0, placesPerList - 1].map((index) => ({ index, status: 'suspended' }))))
    expect([octets[0], octets.at(-1), octets.length]).toEqual([0b10, 0b10 << 6, placesPerList / 4])
  })

  it('is compressed to next to nothing where few are revoked', () => {
    expect(packStatuses([{ index: 4711, status: 'invalid' }]).length).toBeLessThan(200)
  })

  it('is known to everybody no sooner than any list from before has ended', () => {
    for (const now of [1_000, 1_001, 1_999]) expect(knownOfflineBy(now)).toBeGreaterThanOrEqual(now + 120_000)
    expect(knownOfflineBy(1_001)).toBe(122_000)
  })
})
