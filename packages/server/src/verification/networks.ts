import ipaddr from 'ipaddr.js'

/** The networks as they are compared: lower case, no host bits, IPv4 that is written as IPv6 as IPv4; each once. */
export function normaliseNetworks(networks: readonly string[]): string[] {
  return [...new Set(networks.map((text) => parseNetwork(text).text))]
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

function parseNetwork(text: string): { network: Network; text: string } {
  const [address, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : single(text)
  const [plain, length]: Network =
    address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96
      ? [address.toIPv4Address(), bits - 96]
      : [address, bits]
  const base =
    plain instanceof ipaddr.IPv6
      ? ipaddr.IPv6.networkAddressFromCIDR(`${plain.toString()}/${length}`)
      : ipaddr.IPv4.networkAddressFromCIDR(`${plain.toString()}/${length}`)
  return { network: [base, length], text: isWhole(plain, length) ? base.toString() : `${base.toString()}/${length}` }
}

function single(text: string): Network {
  const address = ipaddr.parse(text)
  return [address, address instanceof ipaddr.IPv6 ? 128 : 32]
}

const isWhole = (address: ipaddr.IPv4 | ipaddr.IPv6, bits: number) =>
  bits === (address instanceof ipaddr.IPv6 ? 128 : 32)

/** Is this address in one of the networks? An IPv4 address that came in an IPv6 socket counts as the IPv4 address it is. */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const plain = ipaddr.process(address)
  return networks.some((text) => {
    const [base, bits] = parseNetwork(text).network
    return base.kind() === plain.kind() && plain.match(base, bits)
  })
}
