import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { vi } from 'vitest'

/** What came in. */
export interface Received {
  readonly path: string
  /** The `webhook-id`. */
  readonly id: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** How a receiver answers; without an answer the request hangs until the other side gives up. */
export type Answering = (response: ServerResponse, received: Received) => void

/** A real HTTP server that webhooks are sent to. */
export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  /** From now on. */
  answer(answering: Answering): void
  /** Once there are as many. */
  waitFor(count: number, path?: string): Promise<Received[]>
  stop(): Promise<void>
}

export const answerWith =
  (status: number, headers: Record<string, string> = {}, body = ''): Answering =>
  (response) =>
    void response.writeHead(status, headers).end(body)

export async function openReceiver(first: Answering = answerWith(204)): Promise<Receiver> {
  const received: Received[] = []
  let answering = first
  async function take(request: IncomingMessage, response: ServerResponse) {
    const octets: Buffer[] = []
    for await (const chunk of request) octets.push(chunk as Buffer)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const body = Buffer.concat(octets).toString('utf8')
    const one = { path: request.url ?? '', id: headers['webhook-id'] ?? '', headers, body }
    received.push(one)
    answering(response, one)
  }
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const of = (path?: string) => received.filter((one) => path === undefined || one.path === path)
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answer: (wanted) => {
      answering = wanted
    },
    waitFor: (count, path) =>
      vi.waitFor(
        () => {
          const found = of(path)
          if (found.length < count) throw new Error(`${found.length} of ${count} have come to ${path ?? 'it'}`)
          return found
        },
        { timeout: 15_000, interval: 10 },
      ),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * Verified as its receiver does: with the library. @param now where the clock of the test stands
 *
 * @throws WebhookVerificationError
 */
export function verifyMessage(secret: string, { headers, body }: Received, now: number): any {
  vi.useFakeTimers({ toFake: ['Date'], now })
  try {
    return new Webhook(secret).verify(body, headers)
  } finally {
    vi.useRealTimers()
  }
}
