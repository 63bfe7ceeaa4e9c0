import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerWith, openReceiver, type Receiver } from '../../test/support/receiver.ts'
import { createPostWebhook, type Resolve } from './post-webhook.ts'

const message = { body: '{"a":"ü"}', headers: { 'webhook-id': 'dlv_1' } }
const allowPrivate = ['127.0.0.0/8']
const local = { address: '127.0.0.1', family: 4 }

describe('posting to a receiver', () => {
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await openReceiver()
  })
  afterAll(() => receiver.stop())

  const port = () => new URL(receiver.url).port
  const post = createPostWebhook({ allowPrivate, timeoutMs: 500 })
  const count = () => receiver.received.length

  it('sends the very body, and says what came back', async () => {
    receiver.answer(answerWith(202, { 'retry-after': '7' }, 'thank you'))
    expect(await post(`${receiver.url}/hooks?team=1`, message)).toEqual({
      status: 202,
      retryAfter: '7',
      text: 'thank you',
    })
    const one = receiver.received.at(-1)
    expect(one).toMatchObject({ path: '/hooks?team=1', id: 'dlv_1', body: message.body })
    expect(one?.headers).toMatchObject({ 'content-type': 'application/json', host: `127.0.0.1:${port()}` })
    expect(one?.headers['user-agent']).toMatch(/^Keyturn\//)
  })

  it('looks a name up once, and goes to what was checked, whatever it says a moment later', async () => {
    receiver.answer(answerWith(204))
    let asked = 0
    const answers = ['127.0.0.1', '127.9.9.9']
    const rebinding: Resolve = async () => [{ address: answers[asked++] ?? '127.9.9.9', family: 4 }]
    const before = count()
    const posting = createPostWebhook({ allowPrivate: ['127.0.0.1'], resolve: rebinding, timeoutMs: 500 })
    expect((await posting(`http://rebound.test:${port()}/`, message)).status).toBe(204)
    expect(asked).toBe(1)
    expect(count()).toBe(before + 1)
    expect(receiver.received.at(-1)?.headers['host']).toBe(`rebound.test:${port()}`)
    // The second time it says the other thing, and nobody is called.
    await expect(posting(`http://rebound.test:${port()}/`, message)).rejects.toThrow(/not public/)
    expect(count()).toBe(before + 1)
  })

  it('calls nobody where one of the addresses of a name is inside, and does not tell which', async () => {
    const before = count()
    const names: [string, readonly { address: string; family: number }[]][] = [
      ['loopback', [local]],
      ['one of two', [{ address: '8.8.8.8', family: 4 }, local]],
      ['mapped', [{ address: '::ffff:127.0.0.1', family: 6 }]],
      ['metadata', [{ address: '169.254.169.254', family: 4 }]],
      ['none', []],
    ]
    for (const [name, addresses] of names) {
      const posting = createPostWebhook({ allowPrivate: [], resolve: async () => addresses, timeoutMs: 500 })
      const refused = posting(`https://name.test:${port()}/`, message).catch((error: Error) => error.message)
      expect(await refused, name).toMatch(/^the address is not public; KEYTURN_WEBHOOK_ALLOW_PRIVATE/)
      expect(await refused, name).not.toMatch(/\d\.\d|::/)
    }
    await expect(createPostWebhook({ allowPrivate: [] })(receiver.url, message)).rejects.toThrow(/not public/)
    await expect(
      createPostWebhook({ allowPrivate, resolve: async () => [{ address: '8.8.8.8', family: 4 }] })(
        'http://name.test/',
        message,
      ),
    ).rejects.toThrow(/only https/)
    expect(count()).toBe(before)
  })

  it('follows no redirect', async () => {
    const inner = await openReceiver()
    receiver.answer(answerWith(307, { location: `${inner.url}/secret` }))
    expect((await post(receiver.url, message)).status).toBe(307)
    expect(inner.received).toEqual([])
    await inner.stop()
  })

  it('reads 64 kB of an answer at most', async () => {
    receiver.answer((response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    const answer = await post(receiver.url, message)
    expect(answer.status).toBe(200)
    expect(answer.text).toHaveLength(65_536)
  })

  it('takes the status of a body that never ends', async () => {
    receiver.answer((response) => void response.writeHead(200).write('begun'))
    expect(await post(receiver.url, message)).toEqual({ status: 200, retryAfter: null, text: 'begun' })
  })

  it('gives up on who does not answer, who trickles headers, who hangs up, and a look-up that hangs', async () => {
    receiver.answer(() => {})
    await expect(post(receiver.url, message)).rejects.toThrow('no answer within 0.5 s')

    const sockets = new Set<Socket>()
    const trickling = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.write('HTTP/1.1 200 OK\r\nx-')
      const timer = setInterval(() => socket.write('a'), 50)
      socket.on('close', () => clearInterval(timer))
    }).listen(0, '127.0.0.1')
    await once(trickling, 'listening')
    const trickle = `http://127.0.0.1:${(trickling.address() as AddressInfo).port}/`
    await expect(post(trickle, message)).rejects.toThrow('no answer within 0.5 s')
    for (const socket of sockets) socket.destroy()
    trickling.close()

    receiver.answer((response) => void response.destroy())
    await expect(post(receiver.url, message)).rejects.toThrow(/the connection failed \(ECONNRESET\)/)

    const hanging = createPostWebhook({ allowPrivate, resolve: () => new Promise(() => {}), timeoutMs: 100 })
    await expect(hanging('https://name.test/', message)).rejects.toThrow('no answer within 0.1 s')
  })

  it('says why nobody was reached', async () => {
    const failing: Resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
    const posting = createPostWebhook({ allowPrivate, resolve: failing })
    await expect(posting('https://name.test/', message)).rejects.toThrow('the name cannot be looked up (ENOTFOUND)')
    await expect(post('http://127.0.0.1:1/', message)).rejects.toThrow(/the connection failed \(ECONNREFUSED\)/)
    // Who speaks no TLS is not spoken to without it.
    await expect(post(`https://127.0.0.1:${port()}/`, message)).rejects.toThrow(/the connection failed/)
  })
})
