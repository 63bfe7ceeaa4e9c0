import { describe, expect, it } from 'vitest'
import { countNetworks } from './finding.ts'

const now = Date.UTC(2027, 0, 31)
const day = 86_400_000
const count = (addresses: readonly string[], at = now - day) =>
  countNetworks(
    addresses.map((address) => ({ address, at })),
    now,
  )

describe('the networks that a key is called from', () => {
  it('are one for the machines of one site', () => {
    expect(count(['192.0.2.1', '192.0.2.77', '192.0.2.255'])).toBe(1)
    expect(count(['2001:db8:1:1::1', '2001:db8:1:2:3:4:5:6', '2001:DB8:1::9'])).toBe(1)
    expect(count(['::1', '::'])).toBe(1)
  })

  it('are as many as there are sites', () => {
    expect(count(['192.0.2.1', '192.0.3.1', '198.51.100.7', '2001:db8:1::1', '2001:db8:2::1'])).toBe(5)
  })

  it('are the same whether an IPv4 address is written in the form of IPv6 or not', () => {
    expect(count(['::ffff:192.0.2.1', '192.0.2.2'])).toBe(1)
  })

  it('are those of the last 30 days', () => {
    expect(count(['192.0.2.1', '198.51.100.7'], now - 31 * day)).toBe(0)
    expect(count(['192.0.2.1'], now - 30 * day)).toBe(1)
  })
})
