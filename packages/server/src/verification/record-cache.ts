import type { ProjectScope, VerifyRecord } from './decide.ts'

/** What a node remembers of a digest: a record, the root key, or that no key has it. */
export type Remembered = VerifyRecord | 'root' | 'miss'

/**
 * Records by digest (docs/caches.md). Trusted only while the lease is held; what a change is about is dropped when the feed says so.
 * Both parts are bounded: where one is full, what was remembered first goes first.
 */
export class RecordCache {
  readonly #mostRecords: number
  readonly #mostMisses: number
  #records = new Map<string, VerifyRecord | 'root'>()
  #misses = new Set<string>()
  #projects = new Map<string, ProjectScope>()
  #generation = 0

  constructor(mostRecords: number, mostMisses: number) {
    this.#mostRecords = mostRecords
    this.#mostMisses = mostMisses
  }

  /** Goes up with every change that was applied. What was read before may not be remembered after. */
  get generation(): number {
    return this.#generation
  }

  get size(): { records: number; misses: number } {
    return { records: this.#records.size, misses: this.#misses.size }
  }

  /** @param digest the 32 bytes as a Latin-1 string: half the memory of hex */
  get(digest: string): Remembered | undefined {
    const record = this.#records.get(digest)
    if (record === undefined) return this.#misses.has(digest) ? 'miss' : undefined
    if (record !== 'root' && record.project.stale) {
      this.#records.delete(digest)
      return undefined
    }
    return record
  }

  remember(digest: string, what: Remembered): void {
    if (what === 'miss') {
      keepBounded(this.#misses, this.#mostMisses)
      this.#misses.add(digest)
      return
    }
    keepBounded(this.#records, this.#mostRecords)
    this.#records.set(digest, what === 'root' ? what : this.#share(what))
  }

  /** A key has changed, or was made. */
  dropDigests(digests: readonly string[]): void {
    for (const digest of digests) {
      this.#records.delete(digest)
      this.#misses.delete(digest)
    }
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
    this.#records = new Map()
    this.#misses = new Set()
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

function keepBounded(kept: Map<string, unknown> | Set<string>, most: number): void {
  if (kept.size < most) return
  const oldest = kept.keys().next()
  if (!oldest.done) kept.delete(oldest.value)
}
