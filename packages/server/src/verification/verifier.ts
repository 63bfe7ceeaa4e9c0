import type { VerdictCode } from '@keyturn/contract'
import type { Clock } from '../kernel/clock.ts'
import { sha256, sha256Text } from '../kernel/digest.ts'
import type { Instant } from '../kernel/instant.ts'
import { explainMiss, longestJwt, shapeOf } from '../keys/format.ts'
import type { DatabaseTime } from './database-time.ts'
import { decide, type VerifyDemand, type VerifyRecord } from './decide.ts'
import { hintFor } from './hints.ts'
import type { Lease } from './lease.ts'
import type { RecordCache, Remembered } from './record-cache.ts'
import type { RecordLoader } from './record-loader.ts'

/** What was found out about a presented value. A record is there only where the real secret was presented, within reach. */
export interface Finding {
  readonly code: VerdictCode
  readonly hint: string | null
  readonly record: VerifyRecord | null
}

/** May a record that was found be spoken of at all? */
export type Reach = (record: VerifyRecord) => boolean

/** Every verdict on a real secret, with where the call came from as far as that is known. */
export type NoteUse = (
  keyId: string,
  secretId: string,
  code: VerdictCode,
  at: Instant,
  address: string | null,
  userAgent: string | null,
) => void

export interface VerifierParts {
  readonly cache: RecordCache
  readonly loader: RecordLoader
  readonly lease: Lease
  readonly time: DatabaseTime
  readonly clock: Clock
  readonly keyPrefix: string
  /** Notes a use in memory; it is written later. */
  readonly noteUse: NoteUse
}

/**
 * Verdicts of this node. Warm: from the cache, without a promise. Cold, or past the lease: from the database; if that cannot be
 * asked, an error, never VALID.
 */
export class Verifier {
  readonly #parts: VerifierParts

  constructor(parts: VerifierParts) {
    this.#parts = parts
  }

  get keyPrefix(): string {
    return this.#parts.keyPrefix
  }

  /** Goes up with every change that was applied here. */
  get generation(): number {
    return this.#parts.cache.generation
  }

  /** Database time, as the looks carry it. */
  now(): Instant {
    return this.#parts.time.now()
  }

  /** A caller that was known already has called again. */
  noteUse(keyId: string, secretId: string): void {
    this.#parts.noteUse(keyId, secretId, 'VALID', this.now(), null, null)
  }

  /** @throws DomainError database_unavailable */
  async inspect(
    presented: string,
    demand: VerifyDemand,
    isInReach: Reach,
    userAgent: string | null = null,
  ): Promise<Finding> {
    const warm = this.decideWarm(presented, demand, isInReach)
    if (warm && this.isTrusted()) {
      this.note(warm, demand, userAgent)
      return warm
    }
    const { what, now } = await this.#parts.loader.load(sha256(presented))
    const decidedAt = this.#parts.time.atLeast(now)
    const finding = this.#find(presented, what, demand, isInReach, decidedAt)
    this.note(finding, demand, userAgent, decidedAt)
    return finding
  }

  /**
   * What the cache says right now, to be given only while `isTrusted`, and then to be noted.
   *
   * @returns undefined where the database has to be asked
   */
  decideWarm(presented: string, demand: VerifyDemand, isInReach: Reach): Finding | undefined {
    const { cache, time, keyPrefix } = this.#parts
    if (presented.length > longestJwt) return this.#miss(presented)
    const what = cache.get(sha256Text(presented))
    // Nobody can have been given such a value, and so no change can make it one that is known.
    if (what === undefined)
      return shapeOf(presented, keyPrefix) === 'wrong checksum' ? this.#miss(presented) : undefined
    return this.#find(presented, what, demand, isInReach, time.now())
  }

  /** Asked last: a process that was paused while it decided must not answer by what it knew before. */
  isTrusted(): boolean {
    return this.#parts.lease.isHeld()
  }

  /** A verdict that is given. One that is thrown away, because the lease was over, is not counted. */
  note({ code, record }: Finding, demand: VerifyDemand, userAgent: string | null, at = this.now()): void {
    if (record) this.#parts.noteUse(record.keyId, record.secretId, code, at, demand.ip ?? null, userAgent)
  }

  /** Is this the root key? @throws DomainError database_unavailable */
  async isRootKey(presented: string): Promise<boolean> {
    const { cache, lease, loader } = this.#parts
    const known = cache.get(sha256Text(presented))
    if (known !== undefined && lease.isHeld()) return known === 'root'
    return (await loader.load(sha256(presented))).what === 'root'
  }

  #find(presented: string, what: Remembered, demand: VerifyDemand, isInReach: Reach, now: Instant): Finding {
    if (what === 'root' || what === 'miss' || what.state === 'deleted' || !isInReach(what)) return this.#miss(presented)
    const record = what.primaryFrom > now ? what : this.#parts.cache.asPrimary(sha256Text(presented), what)
    const code = decide(record, demand, now)
    return { code, hint: code === 'VALID' ? null : hintFor(code, record, demand), record }
  }

  #miss(presented: string): Finding {
    const { code, hint } = explainMiss(presented, this.#parts.keyPrefix)
    return { code, hint, record: null }
  }
}
