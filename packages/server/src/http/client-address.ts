import type { IncomingMessage } from 'node:http'
import { isInNetworks } from '../verification/networks.ts'

/** Networks of proxies whose `X-Forwarded-For` counts. */
export type TrustedProxies = readonly string[]

const plain = (address: string) => address.replace(/^::ffff:/, '')

/**
 * Where a request came from: the address of the socket; where that is a configured proxy, the last address in `X-Forwarded-For` that is
 * none. What stands before it anybody can have written.
 */
export function clientAddress(request: IncomingMessage, proxies: TrustedProxies): string | undefined {
  const socket = request.socket.remoteAddress
  if (socket === undefined) return undefined
  const forwarded = request.headers['x-forwarded-for']
  if (proxies.length === 0 || forwarded === undefined) return plain(socket)
  const path = [...String(forwarded).split(','), socket].map((part) => plain(part.trim()))
  for (let hop = path.length - 1; hop > 0; hop--) {
    const address = path[hop]
    if (address !== undefined && !isInNetworks(address, proxies)) return address
  }
  return path[0]
}
