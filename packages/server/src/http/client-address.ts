import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { isInNetworks } from '../verification/networks.ts'

/** Networks of proxies whose `X-Forwarded-For` counts. */
export type TrustedProxies = readonly string[]

const plain = (address: string) => (address.includes(':') ? address.replace(/^::ffff:(?=\d+\.)/i, '') : address)

/** Some proxies write the port too: `203.0.113.7:4711`, `[2001:db8::1]:4711`. */
const withoutPort = (hop: string) => /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(hop)

/** @returns undefined where it is no address */
function parseHop(text: string): string | undefined {
  const hop = text.trim()
  const match = withoutPort(hop)
  const address = plain(match?.[1] ?? match?.[2] ?? hop)
  return isIP(address) === 0 ? undefined : address
}

/**
 * Where a request came from: the address of the socket; where that is a configured proxy, the last address in `X-Forwarded-For` that is
 * none. What stands before it anybody can have written.
 *
 * @returns undefined where a trusted proxy wrote something that is no address: nobody knows, and a key that is bound to addresses is
 *   then refused
 */
export function clientAddress(request: IncomingMessage, proxies: TrustedProxies): string | undefined {
  const { remoteAddress } = request.socket
  if (remoteAddress === undefined) return undefined
  let address: string | undefined = plain(remoteAddress)
  const forwarded = request.headers['x-forwarded-for']
  if (proxies.length === 0 || forwarded === undefined) return address
  const hops = String(forwarded).split(',')
  while (address !== undefined && isInNetworks(address, proxies)) {
    const hop = hops.pop()
    if (hop === undefined) break
    address = parseHop(hop)
  }
  return address
}
