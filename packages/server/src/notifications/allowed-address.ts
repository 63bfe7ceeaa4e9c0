import ipaddr from 'ipaddr.js'
import { isInNetworks } from '../verification/networks.ts'

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
// The host of Azure answers its guests under a public address.
const insideOfClouds = ['168.63.129.16']

/**
 * Is this an address of the public internet? None are those that lead back to this machine, into its networks or to what a cloud
 * tells its guests: private, loopback, link-local (with 169.254.169.254), shared (CGNAT), multicast, reserved ones, and IPv4 addresses
 * that hide in IPv6, as mapped, 6to4, Teredo and NAT64 ones do (RFC 6890).
 */
export function isPublicAddress(address: string): boolean {
  const plain = parse(address)
  if (plain === null || plain.range() !== 'unicast') return false
  if (plain instanceof ipaddr.IPv6) return plain.match(globalUnicast)
  return !insideOfClouds.includes(plain.toString())
}

/** One that is not public, but that the installation says may be called. @param networks addresses and CIDRs */
export const isAllowedPrivate = (address: string, networks: readonly string[]): boolean =>
  !isPublicAddress(address) && isInNetworks(address, networks)

/** An IPv4 address that is written as IPv6 is that IPv4 address. */
function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(address) ? ipaddr.process(address) : null
}

/** Why a webhook to these addresses is not sent. */
export type AddressRefusal = 'not_allowed' | 'wants_https'

/**
 * What a name stands for, all of it: one forbidden address is enough, since which of them is taken is not ours to say. Without TLS only
 * networks that the installation knows are called.
 */
export function refuseAddresses(
  protocol: string,
  addresses: readonly string[],
  allowPrivate: readonly string[],
): AddressRefusal | null {
  const isPrivate = (address: string) => isAllowedPrivate(address, allowPrivate)
  if (addresses.length === 0 || !addresses.every((address) => isPublicAddress(address) || isPrivate(address)))
    return 'not_allowed'
  return protocol === 'https:' || addresses.every(isPrivate) ? null : 'wants_https'
}

/** Of a URL, where that is an address rather than a name. `URL` has written it in the one way there is (no octal, no decimal). */
export function addressIn(url: URL): string | null {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return ipaddr.isValid(host) ? host : null
}

/** What can be said of a URL before anything is looked up. */
export function refuseUrl(url: URL, allowPrivate: readonly string[]): AddressRefusal | null {
  const address = addressIn(url)
  if (address !== null) return refuseAddresses(url.protocol, [address], allowPrivate)
  return url.protocol === 'https:' || allowPrivate.length > 0 ? null : 'wants_https'
}
