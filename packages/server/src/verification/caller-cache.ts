import type { Instant } from '../kernel/instant.ts'
import type { Caller } from '../people/call.ts'
import type { VerifyRecord } from './decide.ts'

/** A caller that was authenticated, and for how long that may be taken for granted. */
export interface KnownCaller {
  readonly caller: Caller
  /** Which records it may be told of. */
  readonly reach: (record: VerifyRecord) => boolean
  /** The end of its own secret. */
  readonly end: Instant
  readonly generation: number
  /** For its own last use; null for the root key. */
  readonly use: { readonly keyId: string; readonly secretId: string } | null
}

/**
 * Callers of the verify routes by their credential, as it stood in the header: a product calls with the same one each time. Forgotten
 * with every change that is applied (docs/caches.md).
 */
export class CallerCache {
  readonly #known = new Map<string, KnownCaller>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(credential: string, generation: number, now: Instant): KnownCaller | undefined {
    const known = this.#known.get(credential)
    if (known === undefined) return undefined
    if (known.generation === generation && known.end > now) return known
    this.#known.delete(credential)
    return undefined
  }

  remember(credential: string, known: KnownCaller): void {
    if (this.#known.size >= this.#most) this.#known.clear()
    if (this.#most > 0) this.#known.set(credential, known)
  }
}
