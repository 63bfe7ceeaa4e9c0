import { digestLength } from '../kernel/digest.ts'
import { type Instant, never } from '../kernel/instant.ts'
import { randomOctets } from '../kernel/random.ts'
import type { ProjectScope, VerifyRecord } from './decide.ts'

/** What many keys of a project have in common, once for all of them. */
type Common = Pick<
  VerifyRecord,
  | 'slot'
  | 'endCode'
  | 'warnBefore'
  | 'kind'
  | 'environment'
  | 'scopes'
  | 'allowedIps'
  | 'metadata'
  | 'limits'
  | 'state'
  | 'management'
  | 'project'
>

// Ids are 30 octets each; most names have room behind them. A record that has not is kept as a string.
const textLength = 96
const isElsewhere = 255
// Bounds on what only saves memory: past them sharing begins anew, and those that share already go on.
const mostCommon = 2_000
const mostOwners = 50_000
// oxlint-disable-next-line eslint/no-control-regex -- all of Latin-1
const latin1 = /^[\x00-\xff]*$/

/**
 * Records by digest, as a node keeps a million of them: in a quarter of the memory of a Map of objects, and most of that where the
 * garbage collector need not look, and leaves no holes. Digests lie side by side, found through open addressing with linear probing at
 * most half full; what is a key's own lies in equal places, what others have too is shared. Room for all is reserved at once and takes
 * memory only as it is used, so that nothing is ever moved. Where it is full, what came first goes first.
 */
export class PackedRecords {
  readonly #most: number
  // Callers choose values, not where they lie: nobody can make long runs of occupied slots.
  readonly #seed = randomOctets(4).readInt32LE() | 1
  readonly #sharedBy = new WeakMap<ProjectScope, { common: Map<string, Common>; owners: Map<string, string> }>()
  /** The place of a record, and one more; 0: nothing. */
  readonly #slots: Int32Array
  readonly #shift: number
  readonly #digests: Uint8Array
  readonly #ends: Float64Array
  /** Key id, secret id and name in Latin-1; ids have no space. */
  readonly #texts: Buffer
  /** Of the texts. 0: the place is free. */
  readonly #lengths: Uint8Array
  /** Texts that are too long, or not Latin-1. */
  readonly #others = new Map<number, string>()
  /** Places that were ever taken. */
  #places = 0
  readonly #owners: (string | null)[] = []
  readonly #common: (Common | null)[] = []
  /** By place. Few have one. */
  readonly #primaryFrom = new Map<number, Instant>()
  readonly #free: number[] = []
  #oldest = 0

  constructor(most: number) {
    this.#most = most
    const bits = 32 - Math.clz32(Math.max(2 * most, 2) - 1)
    this.#slots = new Int32Array(2 ** bits)
    this.#shift = 32 - bits
    this.#digests = new Uint8Array(most * digestLength)
    this.#ends = new Float64Array(most)
    this.#texts = Buffer.alloc(most * textLength)
    this.#lengths = new Uint8Array(most)
  }

  get size(): number {
    return this.#places - this.#free.length
  }

  /** @param digest the 32 bytes as a Latin-1 string */
  get(digest: string): VerifyRecord | undefined {
    const slot = this.#find(digest)
    return slot < 0 ? undefined : this.#unpack((this.#slots[slot] ?? 0) - 1)
  }

  /** @param digest of a record that is not there yet */
  add(digest: string, record: VerifyRecord): void {
    if (this.#most === 0) return
    if (this.size >= this.#most) this.#dropOldest()
    const place = this.#free.pop() ?? this.#places++
    for (let at = 0; at < digestLength; at++) this.#digests[place * digestLength + at] = digest.charCodeAt(at)
    this.#pack(place, record)
    this.#occupy(place)
  }

  clear(): void {
    this.#slots.fill(0)
    this.#lengths.fill(0)
    this.#others.clear()
    this.#primaryFrom.clear()
    for (const list of [this.#owners, this.#common, this.#free]) list.length = 0
    this.#places = 0
    this.#oldest = 0
  }

  delete(digest: string): void {
    const slot = this.#find(digest)
    if (slot >= 0) this.#vacate(slot)
  }

  #dropOldest(): void {
    while (this.#lengths[this.#oldest] === 0) this.#oldest = (this.#oldest + 1) % this.#places
    this.#vacate(this.#slotOf(this.#oldest))
    this.#oldest = (this.#oldest + 1) % this.#places
  }

  /** @returns -1 where it is not there */
  #find(digest: string): number {
    const first =
      digest.charCodeAt(0) | (digest.charCodeAt(1) << 8) | (digest.charCodeAt(2) << 16) | (digest.charCodeAt(3) << 24)
    const last = this.#slots.length - 1
    for (let slot = Math.imul(first, this.#seed) >>> this.#shift; ; slot = (slot + 1) & last) {
      const place = (this.#slots[slot] ?? 0) - 1
      if (place < 0) return -1
      if (this.#isAt(place, digest)) return slot
    }
  }

  #isAt(place: number, digest: string): boolean {
    const begin = place * digestLength
    for (let at = 0; at < digestLength; at++) {
      if (this.#digests[begin + at] !== digest.charCodeAt(at)) return false
    }
    return true
  }

  /** The slot where the search for the digest at this place begins. */
  #homeOf(place: number): number {
    const begin = place * digestLength
    const octet = (at: number) => this.#digests[begin + at] ?? 0
    const first = octet(0) | (octet(1) << 8) | (octet(2) << 16) | (octet(3) << 24)
    return Math.imul(first, this.#seed) >>> this.#shift
  }

  #slotOf(place: number): number {
    const last = this.#slots.length - 1
    let slot = this.#homeOf(place)
    while (this.#slots[slot] !== place + 1) slot = (slot + 1) & last
    return slot
  }

  #occupy(place: number): void {
    const last = this.#slots.length - 1
    let slot = this.#homeOf(place)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & last
    this.#slots[slot] = place + 1
  }

  /** Empties a slot, and moves up those behind it that a search would no longer reach (Knuth, 6.4, algorithm R). */
  #vacate(slot: number): void {
    const gone = (this.#slots[slot] ?? 0) - 1
    if (this.#lengths[gone] === isElsewhere) this.#others.delete(gone)
    this.#lengths[gone] = 0
    this.#owners[gone] = null
    this.#common[gone] = null
    this.#primaryFrom.delete(gone)
    this.#free.push(gone)
    const last = this.#slots.length - 1
    let hole = slot
    for (let next = (hole + 1) & last; ; next = (next + 1) & last) {
      const place = (this.#slots[next] ?? 0) - 1
      if (place < 0) break
      const fromHome = (next - this.#homeOf(place)) & last
      if (fromHome < ((next - hole) & last)) continue
      this.#slots[hole] = place + 1
      hole = next
    }
    this.#slots[hole] = 0
  }

  #pack(place: number, record: VerifyRecord): void {
    const { keyId, secretId, name, end, owner } = record
    this.#writeText(place, `${keyId} ${secretId} ${name}`)
    this.#ends[place] = end
    this.#owners[place] = owner === null ? null : this.#shareOwner(record.project, owner)
    this.#common[place] = this.#shareCommon(record)
    if (record.primaryFrom !== never) this.#primaryFrom.set(place, record.primaryFrom)
  }

  #unpack(place: number): VerifyRecord | undefined {
    const own = this.#readText(place)
    const common = this.#common[place]
    if (own === undefined || !common) return undefined
    const first = own.indexOf(' ')
    const second = own.indexOf(' ', first + 1)
    return {
      secretId: own.slice(first + 1, second),
      slot: common.slot,
      primaryFrom: this.#primaryFrom.get(place) ?? never,
      end: this.#ends[place] ?? 0,
      endCode: common.endCode,
      warnBefore: common.warnBefore,
      keyId: own.slice(0, first),
      kind: common.kind,
      environment: common.environment,
      name: own.slice(second + 1),
      owner: this.#owners[place] ?? null,
      scopes: common.scopes,
      allowedIps: common.allowedIps,
      metadata: common.metadata,
      limits: common.limits,
      state: common.state,
      management: common.management,
      project: common.project,
    }
  }

  #writeText(place: number, text: string): void {
    if (text.length > textLength || !latin1.test(text)) {
      this.#lengths[place] = isElsewhere
      this.#others.set(place, text)
      return
    }
    this.#texts.write(text, place * textLength, 'latin1')
    this.#lengths[place] = text.length
  }

  #readText(place: number): string | undefined {
    const length = this.#lengths[place] ?? 0
    if (length === isElsewhere) return this.#others.get(place)
    const begin = place * textLength
    return length === 0 ? undefined : this.#texts.toString('latin1', begin, begin + length)
  }

  #shared(project: ProjectScope) {
    let shared = this.#sharedBy.get(project)
    if (shared === undefined) {
      shared = { common: new Map(), owners: new Map() }
      this.#sharedBy.set(project, shared)
    }
    return shared
  }

  #shareOwner(project: ProjectScope, owner: string): string {
    const { owners } = this.#shared(project)
    const known = owners.get(owner)
    if (known !== undefined) return known
    if (owners.size >= mostOwners) owners.clear()
    owners.set(owner, owner)
    return owner
  }

  #shareCommon(record: VerifyRecord): Common {
    const { slot, endCode, warnBefore, kind, environment, scopes, allowedIps, metadata } = record
    const { limits, state, management, project } = record
    const { common } = this.#shared(project)
    const own = { slot, endCode, warnBefore, kind, environment, scopes, allowedIps, metadata }
    const values = { ...own, limits, state, management }
    const text = JSON.stringify(values)
    let known = common.get(text)
    if (known === undefined) {
      if (common.size >= mostCommon) common.clear()
      known = { ...values, project }
      common.set(text, known)
    }
    return known
  }
}
