import { never } from '../kernel/instant.ts'
import type { ProjectScope, VerifyRecord } from './decide.ts'
import { PackedRecords } from './packed-records.ts'
import { RecentMap } from './recent-map.ts'

/** What a node remembers of a digest: a record, the root key, or that no key has it. */
export type Remembered = VerifyRecord | 'root' | 'miss'

// Those called last, as objects: to unpack one costs as much as the rest of a verdict.
const mostUnpacked = 20_000

/**
 * Records by digest (docs/caches.md). Trusted only while the lease is held; what a change is about is dropped when the feed says so.
 * Both parts are bounded: where one is full, what was remembered long ago goes first.
 */
export class RecordCache {
  readonly #mostRecords: number
  readonly #mostMisses: number
  #packed: PackedRecords
  #unpacked: RecentMap<VerifyRecord>
  #root: string | null = null
  #misses: RecentMap<'miss'>
  #projects = new Map<string, ProjectScope>()
  #generation = 0
  #hits = 0
  #lookUps = 0

  constructor(mostRecords: number, mostMisses: number) {
    this.#mostRecords = mostRecords
    this.#mostMisses = mostMisses
    this.#packed = new PackedRecords(mostRecords)
    this.#unpacked = new RecentMap(Math.min(mostUnpacked, mostRecords))
    this.#misses = new RecentMap(mostMisses)
  }

  /** Goes up with every change that was applied. What was read before may not be remembered after. */
  get generation(): number {
    return this.#generation
  }

  /** How often it was asked, and had the answer, since the start. */
  get use(): { lookUps: number; hits: number } {
    return { lookUps: this.#lookUps, hits: this.#hits }
  }

  get size(): { records: number; misses: number } {
    return { records: this.#packed.size, misses: this.#misses.size }
  }

  /** @param digest the 32 bytes as a Latin-1 string: half the memory of hex */
  get(digest: string): Remembered | undefined {
    this.#lookUps++
    const found = this.#unpacked.get(digest) ?? this.#unpack(digest) ?? this.#other(digest)
    if (typeof found === 'object' && found.project.stale) {
      this.#drop(digest)
      return undefined
    }
    if (found !== undefined) this.#hits++
    return found
  }

  /** @returns what is remembered, where anything is */
  remember(digest: string, what: Remembered): Remembered {
    this.#drop(digest)
    if (what === 'root') this.#root = this.#mostRecords === 0 ? null : digest
    else if (what === 'miss') this.#misses.set(digest, 'miss')
    else if (this.#mostRecords > 0) {
      const record = this.#share(what)
      this.#packed.add(digest, record)
      this.#unpacked.set(digest, record)
      return record
    }
    return what
  }

  /**
   * A secret has come to be the primary, because the other one has ended. Once for each: the record that says so takes the place of
   * the other, and nothing is remembered that was not.
   */
  asPrimary(digest: string, record: VerifyRecord): VerifyRecord {
    const primary: VerifyRecord = { ...record, slot: 'primary', primaryFrom: never }
    if (this.#unpacked.get(digest) === record) this.remember(digest, primary)
    return primary
  }

  #unpack(digest: string): VerifyRecord | undefined {
    const record = this.#packed.get(digest)
    if (record) this.#unpacked.set(digest, record)
    return record
  }

  #other(digest: string): 'root' | 'miss' | undefined {
    if (digest === this.#root) return 'root'
    return this.#misses.get(digest)
  }

  #drop(digest: string): void {
    this.#unpacked.delete(digest)
    this.#packed.delete(digest)
    this.#misses.delete(digest)
    if (digest === this.#root) this.#root = null
  }

  /** A key has changed, or was made. */
  dropDigests(digests: readonly string[]): void {
    for (const digest of digests) this.#drop(digest)
  }

  dropProject(projectId: string): void {
    const project = this.#projects.get(projectId)
    if (project) project.stale = true
    this.#projects.delete(projectId)
  }

  dropOrganization(organizationId: string): void {
    for (const project of this.#projects.values()) {
      if (project.organizationId === organizationId) this.dropProject(project.projectId)
    }
  }

  /** Everything: the feed has a gap, or this node was forgotten. */
  empty(): void {
    this.#packed = new PackedRecords(this.#mostRecords)
    this.#unpacked = new RecentMap(Math.min(mostUnpacked, this.#mostRecords))
    this.#root = null
    this.#misses = new RecentMap(this.#mostMisses)
    this.#projects = new Map()
    this.pass()
  }

  /** Changes were applied: no read that began before may be remembered. */
  pass(): void {
    this.#generation++
  }

  /** All keys of a project hold one and the same object, so that marking it reaches all of them. */
  #share(record: VerifyRecord): VerifyRecord {
    const known = this.#projects.get(record.project.projectId)
    if (known) return known === record.project ? record : { ...record, project: known }
    this.#projects.set(record.project.projectId, record.project)
    return record
  }
}
