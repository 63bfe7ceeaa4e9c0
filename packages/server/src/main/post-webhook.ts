import { lookup, Resolver } from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction, TcpSocketConnectOpts } from 'node:net'
import { version } from '../http/version.ts'
import { type AddressRefusal, addressIn, refuseAddresses } from '../notifications/allowed-address.ts'
import type { Answer, PostMessage } from '../notifications/delivery.ts'
import { reasonOf } from './settings.ts'

/** An address that a name stands for. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>

export interface PostOptions {
  /** Addresses and networks that may be called though they are not public. */
  readonly allowPrivate: readonly string[]
  readonly resolve?: Resolve
  /** For the whole of it: looking the name up, connecting, sending, the answer. */
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 10_000
const mostOctets = 64 * 1024

const resolver = new Resolver({ timeout: 2_500, tries: 2 })
// By default 250 ms: too short for a receiver on another continent, where only one family of addresses leads out of here.
const familyAttemptMs = 2_500

/**
 * By DNS alone, which takes no thread: names whose servers stall would otherwise keep the few that the process has from everybody else.
 */
async function resolveByDns(hostname: string): Promise<ResolvedAddress[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  const found = [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ]
  if (found.length === 0 && four.status === 'rejected') throw four.reason
  return found
}

/** Also by what else this machine knows names from, as /etc/hosts: such names lead inside, and are of use only where that is allowed. */
async function resolveInside(hostname: string): Promise<readonly ResolvedAddress[]> {
  return resolveByDns(hostname).catch(() => lookup(hostname, { all: true, verbatim: true }))
}

const refusals = {
  not_allowed:
    'the address is not public; KEYTURN_WEBHOOK_ALLOW_PRIVATE can allow private ones, and whoever runs this installation sets it',
  wants_https: 'only https is called, but for private addresses that KEYTURN_WEBHOOK_ALLOW_PRIVATE allows',
} as const satisfies Record<AddressRefusal, string>

/**
 * Posts to where somebody said. The name is looked up once, every address that it stands for is checked, and the connection goes to these
 * very addresses: a name that answers differently a moment later leads nowhere else. No redirect is followed and no connection is kept.
 * Messages of errors do not tell what was found inside: they are shown to whom the channel belongs.
 */
export function createPostWebhook({
  allowPrivate,
  resolve = allowPrivate.length > 0 ? resolveInside : resolveByDns,
  timeoutMs = defaultTimeoutMs,
}: PostOptions): PostMessage {
  return async (text, message) => {
    const url = new URL(text)
    const signal = AbortSignal.timeout(timeoutMs)
    const addresses = await within(signal, timeoutMs, findAddresses(url, resolve))
    const refusal = refuseAddresses(
      url.protocol,
      addresses.map(({ address }) => address),
      allowPrivate,
    )
    if (refusal !== null) throw new Error(refusals[refusal])
    return request(url, message, addresses, { signal, timeoutMs })
  }
}

async function findAddresses(url: URL, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  const address = addressIn(url)
  if (address !== null) return [{ address, family: address.includes(':') ? 6 : 4 }]
  try {
    return await resolve(url.hostname)
  } catch (error) {
    throw new Error(`the name cannot be looked up (${reasonOf(error)})`, { cause: error })
  }
}

function request(
  url: URL,
  { body, headers }: Parameters<PostMessage>[1],
  addresses: readonly ResolvedAddress[],
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const octets = Buffer.from(body)
  const options: https.RequestOptions & Pick<TcpSocketConnectOpts, 'autoSelectFamilyAttemptTimeout'> = {
    method: 'POST',
    agent: false,
    autoSelectFamilyAttemptTimeout: familyAttemptMs,
    lookup: lookupOf(addresses),
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': octets.length,
      'accept-encoding': 'identity',
      'user-agent': `Keyturn/${version}`,
    },
  }
  const outgoing = (url.protocol === 'https:' ? https : http).request(url, options)
  let finish: ((error: unknown) => void) | null = null
  const stop = (error: unknown) => {
    if (finish) finish(error)
    else reject(new Error(inWords(error, signal, timeoutMs), { cause: error }))
    outgoing.destroy()
  }
  const stopLate = () => stop(signal.reason)
  signal.addEventListener('abort', stopLate, { once: true })
  outgoing.on('error', stop)
  outgoing.on('close', () => signal.removeEventListener('abort', stopLate))
  outgoing.on('response', (incoming) => {
    const chunks: Buffer[] = []
    let length = 0
    // The status decides. A body that is too long, breaks off or never ends takes nothing back.
    finish = () => {
      const text = Buffer.concat(chunks).subarray(0, mostOctets).toString('utf8')
      resolve({ status: incoming.statusCode ?? 0, retryAfter: incoming.headers['retry-after'] ?? null, text })
    }
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= mostOctets) stop(null)
    })
    for (const end of ['end', 'error', 'close'] as const) incoming.on(end, stop)
  })
  outgoing.end(octets)
  return promise
}

/** Says what was looked up and checked before, whatever it is asked for. */
function lookupOf(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_, { all }, callback) => {
    const [first] = addresses
    if (all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

function within<T>(signal: AbortSignal, timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new Error(tooSlow(timeoutMs)))
  signal.addEventListener('abort', stop, { once: true })
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop))
}

const tooSlow = (timeoutMs: number) => `no answer within ${timeoutMs / 1000} s`

function inWords(error: unknown, signal: AbortSignal, timeoutMs: number): string {
  if (signal.aborted) return tooSlow(timeoutMs)
  return `the connection failed (${reasonOf(error)})`
}
