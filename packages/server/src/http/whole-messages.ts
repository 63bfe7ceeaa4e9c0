import { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../kernel/clock.ts'

/**
 * A request whose body may be taken as one piece, without the events of a stream, which cost as much as a verdict
 * (docs/decisions/0009). Used as a stream it is what node:http makes.
 */
export class WholeRequest extends IncomingMessage {
  /** For the framework, where the body was taken here. */
  declare rawBody?: Buffer
  /** Marks the body as read to its end: what Node's option `optimizeEmptyRequests` does to each request that has none. */
  declare private readonly _dumpAndCloseReadable?: () => void
  #take: ((body: Buffer) => void) | null = null
  #parts: Buffer[] = []
  #most = 0
  #size = 0

  /**
   * To be called in the turn in which the request came. Whoever takes it goes on with `finish` or `endStream`.
   *
   * @param most octets that are kept, and the piece that goes past them: whoever takes it sees that it is too long
   * @param take not called where the client goes away before its end
   */
  takeBody(most: number, take: (body: Buffer) => void): void {
    this.#most = most
    this.#take = take
  }

  /** The parser hands the body over through here, and null at its end. */
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    const take = this.#take
    if (take === null) return super.push(chunk, encoding)
    if (chunk !== null) {
      if (this.#size <= this.#most) this.#parts.push(chunk)
      this.#size += chunk.length
      return true
    }
    this.#take = null
    const [first] = this.#parts
    take(this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts))
    return false
  }

  /** Nothing more is wanted of it. */
  finish(): void {
    if (this._dumpAndCloseReadable) this._dumpAndCloseReadable()
    else this.endStream()
  }

  /** Somebody else goes on, who waits for the end of a stream. */
  endStream(): void {
    super.push(null)
    this.resume()
  }
}

/** A response that may be written as one text. */
export class WholeResponse extends ServerResponse<WholeRequest> {
  /**
   * @param text all of it, in ASCII, as node:http would write it for a connection that is kept: nobody looks it over again
   * @returns false where it has to be written the usual way: an answer before it is not written yet, or it is the last one
   */
  sendWhole(text: string): boolean {
    const { socket } = this
    if (socket === null || !this.shouldKeepAlive || !socket.writable || this.req.httpVersionMinor !== 1) return false
    socket.write(text, 'latin1')
    this.finished = true
    this.emit('finish')
    return true
  }
}

/** Writes an answer with status 200 in one piece, from its headers on. @returns false where it has to be written the usual way */
export type WriteWhole = (response: WholeResponse, headersAndBody: string) => boolean

/** @param keepAliveMs of the server: the first lines of an answer are those that node:http would write */
export function createWriteWhole(clock: Clock, keepAliveMs: number): WriteWhole {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n`
  let second = Number.NaN
  let firstLines = ''
  return (response, headersAndBody) => {
    const now = Math.floor(clock.wallTime() / 1000)
    if (now !== second) {
      second = now
      // RFC 9110 §6.6.1.
      firstLines = `HTTP/1.1 200 OK\r\nDate: ${new Date(now * 1000).toUTCString()}\r\n${keepAlive}`
    }
    return response.sendWhole(firstLines + headersAndBody)
  }
}
