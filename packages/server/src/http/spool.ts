import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm, unlink } from 'node:fs/promises'
import path from 'node:path'
import { DomainError } from '../kernel/errors.ts'
import { randomOctets } from '../kernel/random.ts'
import type { SentLine } from '../transfer/check-export.ts'

/** A body that was too large for memory, on disk. */
export interface Spooled {
  /** SHA-256 of it, in hex. */
  readonly digest: string
  /** From the beginning, any number of times. */
  readonly lines: () => AsyncIterable<SentLine>
}

// What is read at a time; between two of them this process does what else there is to do.
const chunkOctets = 64 * 1024
// Longer than any line that is written: a key with a thousand secrets is one megabyte.
const longestLine = 16 * 1024 * 1024

const prefix = 'import-'

/** Keeps bodies in a directory while they are worked on: readable for this user alone, and nameless from the first moment. */
export class Spool {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** What a process left that died between opening a file and taking its name away. */
  async clear(): Promise<void> {
    const names = await readdir(this.#directory).catch(() => [])
    for (const name of names) if (name.startsWith(prefix)) await rm(path.join(this.#directory, name), { force: true })
  }

  /**
   * The file has no name once it is open: whatever becomes of this process, the operating system takes it back.
   *
   * @throws DomainError body_too_large
   */
  async hold<R>(body: AsyncIterable<Uint8Array>, limit: number, work: (spooled: Spooled) => Promise<R>): Promise<R> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const name = path.join(this.#directory, `${prefix}${randomOctets(12).toString('hex')}`)
    const file = await open(name, 'wx+', 0o600)
    try {
      await unlink(name)
      const digest = await write(file, body, limit)
      return await work({ digest, lines: () => readLines(file) })
    } finally {
      await file.close()
    }
  }
}

async function write(file: FileHandle, body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const sum = createHash('sha256')
  let length = 0
  for await (const octets of body) {
    if (length + octets.length > limit) throw new DomainError('body_too_large', { limit })
    sum.update(octets)
    await file.write(octets, 0, octets.length, length)
    length += octets.length
  }
  return sum.digest('hex')
}

const lineEnd = 10

async function* readLines(file: FileHandle): AsyncGenerator<SentLine> {
  let rest: Uint8Array = new Uint8Array()
  let number = 0
  for (let position = 0; ; ) {
    const chunk = new Uint8Array(chunkOctets)
    const { bytesRead } = await file.read(chunk, 0, chunkOctets, position)
    if (bytesRead === 0) break
    position += bytesRead
    const octets = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    let from = 0
    for (let to = octets.indexOf(lineEnd, rest.length); to !== -1; to = octets.indexOf(lineEnd, from)) {
      yield { number: ++number, octets: octets.subarray(from, to), isWhole: true }
      from = to + 1
    }
    rest = octets.subarray(from)
    // A line that never ends is refused as one that has none, without being read to where it does.
    if (rest.length > longestLine) break
  }
  if (rest.length > 0) yield { number: ++number, octets: rest, isWhole: false }
}
