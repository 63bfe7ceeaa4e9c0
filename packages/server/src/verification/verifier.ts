import type { VerdictCode } from '@keyturn/contract'
import type { Clock } from '../kernel/clock.ts'
import { sha256, sha256Text } from '../kernel/digest.ts'
import type { Instant } from '../kernel/instant.ts'
import { explainMiss, longestJwt, shapeOf } from '../keys/format.ts'
import type { Charge } from '../limits/limit.ts'
import type { Limits } from '../limits/limits.ts'
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
  /** Null: the key has no limits, or it did not come to them. */
  readonly charge: Charge | null
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
  readonly limits: Limits
  readonly keyPrefix: string
  /** Notes a use in memory; it is written later. */
  readonly noteUse: NoteUse
}

interface Decided {
  readonly finding: Finding
  /** The time that it was decided by. */
  readonly at: Instant
}

/**
 * Verdicts of this node. Warm: from the cache, without a promise. Cold, or past the lease: from the database; if that cannot be
 * asked, an error, never VALID. What only limits can still refuse is charged to them; where that had to wait, it is decided anew.
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
    const { finding, at } = await this.#inspect(presented, demand, isInReach)
    this.note(finding, demand, userAgent, at)
    return finding
  }

  async #inspect(presented: string, demand: VerifyDemand, isInReach: Reach): Promise<Decided> {
    const first = await this.#decide(presented, demand, isInReach)
    const { cost } = demand
    const { record } = first.finding
    if (cost === undefined || !record?.limits || first.finding.code !== 'VALID') return first
    const now = this.#parts.limits.chargeNow(record.keyId, record.limits, cost, first.at)
    if (now) return { finding: charged(first.finding, record, demand, now), at: first.at }
    const charge = await this.#parts.limits.charge(record.keyId, record.limits, cost, first.at)
    // Whatever was changed while it waited holds, and nobody has asked since whether this node may be trusted.
    const last = await this.#decide(presented, demand, isInReach)
    if (last.finding.code === 'VALID' && last.finding.record)
      return { finding: charged(last.finding, last.finding.record, demand, charge), at: last.at }
    this.#parts.limits.giveBack(record.keyId, charge)
    return last
  }

  /** As far as limits do not matter. @throws DomainError database_unavailable */
  async #decide(presented: string, demand: VerifyDemand, isInReach: Reach): Promise<Decided> {
    const warm = this.#findWarm(presented, demand, isInReach)
    if (warm && this.isTrusted()) return { finding: warm, at: this.now() }
    const { what, now } = await this.#parts.loader.load(sha256(presented))
    const at = this.#parts.time.atLeast(now)
    return { finding: this.#find(presented, what, demand, isInReach, at), at }
  }

  /**
   * What the cache says right now, to be given only while `isTrusted`, and then to be noted; else to be given back.
   *
   * @returns undefined where the database or Redis has to be asked
   */
  decideWarm(presented: string, demand: VerifyDemand, isInReach: Reach): Finding | undefined {
    const found = this.#findWarm(presented, demand, isInReach)
    const record = found?.record
    if (!record || record.limits === null || demand.cost === undefined || found.code !== 'VALID') return found
    const charge = this.#parts.limits.chargeNow(record.keyId, record.limits, demand.cost, this.now())
    return charge && charged(found, record, demand, charge)
  }

  /** It was decided, and is not given: it takes nothing. */
  giveBack({ record, charge }: Finding): void {
    if (record && charge) this.#parts.limits.giveBack(record.keyId, charge)
  }

  #findWarm(presented: string, demand: VerifyDemand, isInReach: Reach): Finding | undefined {
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
    return { code, hint: code === 'VALID' ? null : hintFor(code, record, demand), record, charge: null }
  }

  #miss(presented: string): Finding {
    const { code, hint } = explainMiss(presented, this.#parts.keyPrefix)
    return { code, hint, record: null, charge: null }
  }
}

function charged(finding: Finding, record: VerifyRecord, demand: VerifyDemand, charge: Charge): Finding {
  const { code } = charge
  return { ...finding, code, hint: code === 'VALID' ? null : hintFor(code, record, demand, charge), charge }
}
