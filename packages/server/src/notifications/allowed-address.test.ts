import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressIn, isPublicAddress, refuseAddresses, refuseUrl } from './allowed-address.ts'

const inside = [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.254',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:169.254.169.254',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:c0a8:101',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  '2001:db8::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '100::1',
  'localhost',
  '',
]
const outside = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.215.14',
  '172.32.0.1',
  '192.169.0.1',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
]

describe('addresses that webhooks call', () => {
  it.each(inside)('are not %s', (address) => expect(isPublicAddress(address)).toBe(false))
  it.each(outside)('may be %s', (address) => expect(isPublicAddress(address)).toBe(true))

  it('are the same however IPv4 is written as IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address))
      }),
    )
  })

  it('are private where the installation allows them, and only those', () => {
    const allowed = ['10.1.0.0/16', 'fd00:1::/32', '127.0.0.1']
    expect(refuseAddresses('http:', ['10.1.2.3'], allowed)).toBeNull()
    expect(refuseAddresses('https:', ['fd00:1::5', '10.1.2.3'], allowed)).toBeNull()
    expect(refuseAddresses('https:', ['::ffff:10.1.2.3'], allowed)).toBeNull()
    expect(refuseAddresses('https:', ['10.2.0.1'], allowed)).toBe('not_allowed')
    expect(refuseAddresses('https:', ['127.0.0.2'], allowed)).toBe('not_allowed')
  })

  it('are refused where one of them is, and where there are none', () => {
    expect(refuseAddresses('https:', ['8.8.8.8', '10.0.0.1'], [])).toBe('not_allowed')
    expect(refuseAddresses('https:', ['8.8.8.8', '::1'], [])).toBe('not_allowed')
    expect(refuseAddresses('https:', [], [])).toBe('not_allowed')
  })

  it('are called without TLS only inside', () => {
    expect(refuseAddresses('http:', ['8.8.8.8'], ['10.0.0.0/8'])).toBe('wants_https')
    expect(refuseAddresses('http:', ['8.8.8.8', '10.0.0.1'], ['10.0.0.0/8'])).toBe('wants_https')
    // Naming the whole internet as private does not make it private.
    expect(refuseAddresses('http:', ['8.8.8.8'], ['0.0.0.0/0'])).toBe('wants_https')
    expect(refuseAddresses('https:', ['8.8.8.8'], [])).toBeNull()
  })

  it.each([
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::1]:8443/',
    'https://１２７.0.0.1/',
    'https://169.254.169.254/latest/meta-data',
  ])('are seen through in %s', (text) => {
    expect(addressIn(new URL(text))).not.toBeNull()
    expect(refuseUrl(new URL(text), [])).toBe('not_allowed')
  })

  it('are not asked for where there is a name', () => {
    expect(addressIn(new URL('https://hooks.example.com:8443/'))).toBeNull()
    expect(refuseUrl(new URL('https://hooks.example.com:8443/'), [])).toBeNull()
    expect(refuseUrl(new URL('http://hooks.example.com/'), [])).toBe('wants_https')
    expect(refuseUrl(new URL('http://hooks.internal/'), ['10.0.0.0/8'])).toBeNull()
  })
})
