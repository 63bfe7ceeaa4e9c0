import type { RateWindow } from '@keyturn/contract'
import { Redis } from 'ioredis'
import type { Instant } from '../kernel/instant.ts'
import type { WindowsLeft } from './limit.ts'
import { takeScript } from './redis-script.ts'
import { describe } from './windows.ts'

// No verdict waits longer for Redis; the node's own counts are good enough by then.
const answerWithinMs = 100
// How soon a Redis that is back is gone by again.
const probeEveryMs = 250
// A connection on which nobody has answered for so long may be dead without notice.
const silentMs = 2_000
const connectTimeoutMs = 2_000

export interface SharedWindowsOptions {
  readonly url: string
  /** Redis does not answer, from now on. Once for each outage. In words alone: the error of a refused log-in has the password in it. */
  readonly onLost: (reason: string) => void
  readonly onBack: () => void
}

/**
 * The windows of keys, counted in Redis for all nodes together. Where it does not answer at once it is left alone until a probe
 * has come back, and the caller counts by itself.
 */
export class SharedWindows {
  readonly #redis: Redis
  readonly #options: SharedWindowsOptions
  readonly #timer: NodeJS.Timeout
  #isReady = false
  #wasLost = false
  #probing = false
  #probes = 0
  #scriptDigest = ''

  constructor(options: SharedWindowsOptions) {
    this.#options = options
    this.#redis = new Redis(options.url, {
      // Nothing waits for a connection: what cannot be asked now is counted here.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: connectTimeoutMs,
      retryStrategy: () => probeEveryMs,
    })
    // Heard by whoever asks; unheard, it would end the process.
    this.#redis.on('error', (error) => this.#lose(error))
    this.#redis.on('close', () => this.#lose(new Error('the connection to Redis has ended')))
    this.#redis.on('ready', () => void this.#probe())
    this.#timer = setInterval(() => void this.#probe(), probeEveryMs)
    this.#timer.unref()
  }

  /** Is it worth asking? */
  get isReady(): boolean {
    return this.#isReady
  }

  /** @returns null where Redis does not answer in time; what it then takes all the same is lost */
  async take(keyId: string, windows: readonly RateWindow[], cost: number, now: Instant): Promise<WindowsLeft | null> {
    const argv = windows.flatMap((window) => [window.limit, 1000 * window.window_seconds, 0])
    try {
      const [passed, ...counts] = numbersOf(await this.#run(keyId, [now, cost, ...argv]))
      const running = windows.map((window, at) => ({ window, count: countAt(counts, at) }))
      return describe(running, passed === 1, cost)
    } catch (error) {
      this.#lose(error)
      return null
    }
  }

  giveBack(keyId: string, left: WindowsLeft, cost: number, now: Instant): void {
    if (!this.#isReady) return
    const argv = left.windows.flatMap(({ window, resetsAt }) => [
      window.limit,
      1000 * window.window_seconds,
      resetsAt ?? 0,
    ])
    this.#run(keyId, [now, -cost, ...argv]).catch((error: unknown) => this.#lose(error))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#wasLost = true
    this.#redis.disconnect()
  }

  #run(keyId: string, argv: readonly number[]): Promise<unknown> {
    return within(this.#redis.evalsha(this.#scriptDigest, 1, `keyturn:windows:${keyId}`, ...argv), answerWithinMs)
  }

  #lose(error: unknown): void {
    this.#isReady = false
    if (this.#wasLost) return
    this.#wasLost = true
    this.#options.onLost(error instanceof Error ? error.message : String(error))
  }

  /** Nothing but an answer makes it ready: one that is stopped still takes connections. One that is full or a replica takes no writes. */
  async #probe(): Promise<void> {
    if (this.#isReady || this.#probing || this.#redis.status !== 'ready') return
    this.#probing = true
    try {
      this.#scriptDigest = String(await within(this.#redis.script('LOAD', takeScript), answerWithinMs))
      await this.#run('probe', [0, 1, 1, 1, 0])
      this.#probes = 0
      this.#isReady = true
      if (this.#wasLost) this.#options.onBack()
      this.#wasLost = false
    } catch (error) {
      this.#lose(error)
      if (++this.#probes * probeEveryMs >= silentMs) {
        this.#probes = 0
        this.#redis.disconnect(true)
      }
    } finally {
      this.#probing = false
    }
  }
}

function numbersOf(answer: unknown): number[] {
  if (Array.isArray(answer) && answer.every((value) => typeof value === 'number')) return answer
  throw new Error('Redis gave something else than the script returns')
}

function countAt(counts: readonly number[], at: number) {
  const [endsAt = 0, used = 0] = counts.slice(2 * at)
  return endsAt === 0 ? undefined : { endsAt, used }
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const refuse = () => reject(new Error(`Redis gave no answer within ${milliseconds} ms`))
    // After a turn in which sockets are read: where it was this process that had no time, the answer is there.
    timer = setTimeout(() => setImmediate(refuse), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}
