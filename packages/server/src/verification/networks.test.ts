import { addressOrNetwork } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInNetworks, normaliseNetworks } from './networks.ts'

type Address = { bits: 32 | 128; value: bigint }

const ipv4Text = ({ value }: Address) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
const ipv6Text = ({ value }: Address) =>
  [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xffffn).toString(16)).join(':')
const textOf = (address: Address) => (address.bits === 32 ? ipv4Text(address) : ipv6Text(address))
const mapped = (address: Address): Address => ({ bits: 128, value: (0xffffn << 32n) | address.value })

/** Near each other, so that some are in the networks and some are not. */
const ipv4 = fc.bigInt({ min: 0n, max: 0xffffn }).map((low): Address => ({ bits: 32, value: (203n << 24n) | low }))
const ipv6 = fc
  .bigInt({ min: 0n, max: 0xffffn })
  .map((low): Address => ({ bits: 128, value: (0x20010db8n << 96n) | (low << 64n) | low }))
const network = fc.oneof(
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })),
  fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })),
)

/** Written anew: the first bits are the same. */
function contains([base, length]: [Address, number], address: Address): boolean {
  const shift = BigInt(base.bits - length)
  return base.bits === address.bits && base.value >> shift === address.value >> shift
}

describe('an address', () => {
  it('is in a network exactly if its first bits are those of the network, IPv4 and IPv6', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), fc.array(network, { maxLength: 4 }), (address, networks) => {
        const written = networks.map(([base, length]) => `${textOf(base)}/${length}`)
        const expected = networks.some((one) => contains(one, address))
        expect(isInNetworks(textOf(address), written)).toBe(expected)
        expect(isInNetworks(textOf(address), normaliseNetworks(written))).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('of IPv4 that came through an IPv6 socket is the IPv4 address that it is', () => {
    fc.assert(
      fc.property(ipv4, fc.array(network, { maxLength: 4 }), (address, networks) => {
        const written = networks.map(([base, length]) => `${textOf(base)}/${length}`)
        expect(isInNetworks(textOf(mapped(address)), written)).toBe(isInNetworks(textOf(address), written))
        expect(isInNetworks(`::ffff:${ipv4Text(address)}`, written)).toBe(isInNetworks(textOf(address), written))
      }),
    )
  })

  it('alone is a network of its own', () => {
    expect(isInNetworks('203.0.113.7', ['203.0.113.7'])).toBe(true)
    expect(isInNetworks('203.0.113.8', ['203.0.113.7'])).toBe(false)
    expect(isInNetworks('2001:DB8:0:0::1', ['2001:db8::1'])).toBe(true)
  })

  it('is in no network at all where it is not an address', () => {
    for (const text of ['', 'unknown', '203.0.113.7:80', '203.0.113.7/24', '300.0.0.1'])
      expect(isInNetworks(text, ['0.0.0.0/0', '::/0']), text).toBe(false)
  })
})

describe('a list of networks', () => {
  it('is kept in one way of writing, whoever wrote it how', () => {
    expect(
      normaliseNetworks(['203.0.113.7/24', '203.0.113.0/24', '203.0.113.7/32', '2001:DB8:0::/33', '::ffff:10.1.2.3']),
    ).toEqual(['203.0.113.0/24', '203.0.113.7', '2001:db8::/33', '10.1.2.3'])
    expect(normaliseNetworks(['::ffff:10.1.2.3/104', '10.0.0.0/8'])).toEqual(['10.0.0.0/8'])
  })

  it('is the same when written twice', () => {
    fc.assert(
      fc.property(fc.array(network), (networks) => {
        const once = normaliseNetworks(networks.map(([base, length]) => `${textOf(base)}/${length}`))
        expect(normaliseNetworks(once)).toEqual(once)
      }),
    )
  })

  it('takes everything that the contract takes', () => {
    const written = fc.oneof(
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(140)).map(([address, length]) => `${address}/${length}`),
      fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef.:/%')), maxLength: 20 }),
      fc.constantFrom(
        '1:2:3:4:5:6:7::',
        '::2:3:4:5:6:7:8',
        '::ffff:1.2.3.4',
        '::1.2.3.4',
        '64:ff9b::1.2.3.4',
        '::',
        '::/0',
      ),
    )
    fc.assert(
      fc.property(written, (text) => {
        if (addressOrNetwork.safeParse(text).success) expect(normaliseNetworks([text])).toHaveLength(1)
      }),
      { numRuns: 2000 },
    )
  })
})
