import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintValue } from '../../src/keys/format.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

interface Head {
  readonly status: number
  /** Lines as they came, but for the status line. */
  readonly lines: readonly string[]
  readonly body: string
}

/** A connection of its own, octet by octet. */
class Connection {
  readonly #socket: Socket
  #got = ''
  #changed = () => {}
  ended = false

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#socket = connect(Number(port), hostname)
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#got += text
      this.#changed()
    })
    this.#socket.on('close', () => {
      this.ended = true
      this.#changed()
    })
    this.#socket.on('error', () => {})
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  async answer(): Promise<Head> {
    for (;;) {
      const end = this.#got.indexOf('\r\n\r\n')
      if (end >= 0) {
        const [first = '', ...lines] = this.#got.slice(0, end).split('\r\n')
        const length = lines.find((line) => /^(content-length|transfer-encoding):/i.test(line)) ?? ''
        const status = Number(first.split(' ')[1])
        const rest = this.#got.slice(end + 4)
        const [, size = status === 100 ? '0' : 'unknown'] = /^content-length: (\d+)$/i.exec(length) ?? []
        const chunked = /^transfer-encoding: chunked$/i.test(length) ? rest.indexOf('0\r\n\r\n') + 5 : 0
        const octets = chunked > 4 ? chunked : Number(size)
        if (rest.length >= octets) {
          this.#got = rest.slice(octets)
          return { status, lines, body: rest.slice(0, octets) }
        }
      }
      if (this.ended) throw new Error(`the connection ended after ${JSON.stringify(this.#got)}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  async end(): Promise<void> {
    if (!this.ended) await once(this.#socket, 'close')
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

describe.each(anEngine('PGlite'))('a connection on which verdicts are asked for, on $name', (engine) => {
  let keyturn: Keyturn
  let value: string
  let keyId: string
  const open = () => new Connection(keyturn.url)

  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const { key, secret } = await keyturn.createKey('default', { name: 'Überweisungen, production' })
    keyId = key.id
    value = secret.value
    // Once, so that all that follows is answered from memory.
    await keyturn.verify(value)
  })
  afterAll(() => keyturn.stop())

  const host = 'Host: keyturn.example\r\n'
  function verify(presented: string, headers = '', version = '1.1'): string {
    const body = JSON.stringify({ key: presented })
    return `POST /v1/verify HTTP/${version}\r\n${host}Authorization: Bearer ${keyturn.rootKey}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
  }
  function authorize(presented: string, headers = '', method = 'GET'): string {
    return `${method} /v1/authorize HTTP/1.1\r\n${host}X-Keyturn-Management-Key: ${keyturn.rootKey}\r\nAuthorization: Bearer ${presented}\r\n${headers}\r\n`
  }
  const codeOf = ({ body, lines }: Head): string =>
    body === ''
      ? (lines.find((line) => line.startsWith('x-keyturn-code: ')) ?? '').slice(16)
      : (JSON.parse(body) as { code: string }).code
  const unlike = /^(date|connection|keep-alive):/i

  it('gets the same answer whether it is kept or closed', async () => {
    for (const ask of [verify, authorize]) {
      const kept = open()
      kept.send(ask(value))
      const first = await kept.answer()
      const closed = open()
      closed.send(ask(value, 'Connection: close\r\n'))
      const last = await closed.answer()
      await closed.end()
      const alike = ({ status, lines, body }: Head) => ({ status, lines: lines.filter((l) => !unlike.test(l)), body })
      expect(alike(first)).toEqual(alike(last))
      expect(codeOf(first)).toBe('VALID')
      const dates = first.lines.filter((line) => line.startsWith('Date: '))
      expect(dates).toHaveLength(1)
      expect(Math.abs(Date.parse(dates[0]?.slice(6) ?? '') - Date.now())).toBeLessThan(60_000)
      expect(first.lines.filter((line) => unlike.test(line)).slice(1)).toEqual([
        'Connection: keep-alive',
        'Keep-Alive: timeout=75',
      ])
      kept.destroy()
    }
  })

  it('is answered in the order in which it asked, whoever answers', async () => {
    const connection = open()
    const nobodys = mintValue('kt_live_').reveal()
    const wrong = `POST /v1/verify HTTP/1.1\r\n${host}Authorization: Bearer ${keyturn.rootKey}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"key":1}`
    const health = `GET /healthz HTTP/1.1\r\n${host}\r\n`
    const questions = [
      [verify(value), 'VALID'],
      [verify(nobodys), 'NOT_FOUND'],
      [authorize(value), 'VALID'],
      [wrong, 'invalid_request'],
      [verify(value), 'VALID'],
      [authorize(`${value}x`), 'MALFORMED'],
      [health, null],
      [authorize(value), 'VALID'],
      [verify(value), 'VALID'],
    ] as const
    connection.send(questions.map(([question]) => question).join(''))
    const codes: (string | null)[] = []
    for (const [question] of questions) {
      const answer = await connection.answer()
      codes.push(question === health ? null : codeOf(answer))
    }
    expect(codes).toEqual(questions.map(([, code]) => code))
    connection.destroy()
  })

  it('may bring a body in any pieces', async () => {
    const connection = open()
    for (const character of verify(value)) {
      connection.send(character)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(codeOf(await connection.answer())).toBe('VALID')
    const body = JSON.stringify({ key: value })
    const chunks = [body.slice(0, 10), body.slice(10)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    const chunked = verify(value, 'Transfer-Encoding: chunked\r\n').replace(/Content-Length: \d+\r\n/, '')
    connection.send(`${chunked.slice(0, chunked.indexOf('\r\n\r\n') + 4)}${chunks.join('')}0\r\n\r\n`)
    expect(codeOf(await connection.answer())).toBe('VALID')
    connection.send(verify(value, 'Expect: 100-continue\r\n'))
    expect((await connection.answer()).status).toBe(100)
    expect(codeOf(await connection.answer())).toBe('VALID')
    connection.destroy()
  })

  it('may send a body to authorize, which is nobody’s, and goes on', async () => {
    const connection = open()
    for (let time = 0; time < 3; time++) {
      connection.send(
        `${authorize(value, 'Content-Length: 40000\r\n', 'POST')}${'x'.repeat(40_000)}${authorize(value)}`,
      )
      expect(codeOf(await connection.answer())).toBe('VALID')
      expect(codeOf(await connection.answer())).toBe('VALID')
    }
    connection.destroy()
  })

  it('is told that a body is too long', async () => {
    const long = JSON.stringify({ key: value, project: 'x'.repeat(300_000) })
    const head = verify(value).replace(/Content-Length: \d+[^]*/, '')
    const announced = open()
    announced.send(`${head}Content-Length: ${long.length}\r\n\r\n${long}`)
    expect(await announced.answer()).toMatchObject({ status: 413 })
    announced.destroy()
    const unannounced = open()
    unannounced.send(`${head}Transfer-Encoding: chunked\r\n\r\n${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`)
    expect(await unannounced.answer()).toMatchObject({ status: 413 })
    unannounced.destroy()
  })

  it('of HTTP/1.0 is closed after the answer, or kept where that was asked for', async () => {
    const once10 = open()
    once10.send(verify(value, '', '1.0'))
    expect(codeOf(await once10.answer())).toBe('VALID')
    await once10.end()
    const kept = open()
    for (let time = 0; time < 2; time++) {
      kept.send(verify(value, 'Connection: keep-alive\r\n', '1.0'))
      expect(codeOf(await kept.answer())).toBe('VALID')
    }
    kept.destroy()
  })

  it('may ask as often as it likes, and one that goes away harms nobody', async () => {
    const others = [
      verify(value).slice(0, -10),
      verify(value),
      authorize(value),
      authorize(value, 'Content-Length: 10\r\n', 'POST'),
    ]
    const connection = open()
    for (let time = 0; time < 100; time++) {
      const other = open()
      other.send(others[time % others.length] ?? '')
      connection.send(time % 2 === 0 ? verify(value) : authorize(value))
      if (time % 3 === 0) other.destroy()
      expect(codeOf(await connection.answer())).toBe('VALID')
      other.destroy()
    }
    connection.destroy()
    expect(await keyturn.verify(value)).toMatchObject({ code: 'VALID', key: { id: keyId } })
  })
})
