import { authenticate } from '../people/authenticate.ts'
import { requireScope } from '../people/permissions.ts'
import { CallerCache, type KnownCaller } from '../verification/caller-cache.ts'
import type { Reach, Verifier } from '../verification/verifier.ts'
import { isVerifiableBy } from '../verification/verify.ts'

/** Those who ask for verdicts: products and their proxies. */
export class VerifyCallers {
  readonly #verifier: Verifier
  readonly #known: CallerCache

  /** @param most callers to remember; 0: none */
  constructor(verifier: Verifier, most: number) {
    this.#verifier = verifier
    this.#known = new CallerCache(most)
  }

  /** @param token the bare management key. @returns undefined where it has to be authenticated anew */
  warm(token: string): KnownCaller | undefined {
    const known = this.#known.get(token, this.#verifier.generation, this.#verifier.now())
    if (known?.use) this.#verifier.noteUse(known.use.keyId, known.use.secretId)
    return known
  }

  /**
   * For a verdict that needs the database. Who is known need not be read again with it, while this node may be trusted.
   *
   * @param known by `warm`
   * @throws DomainError insufficient_scope, and what `authenticate` throws
   */
  async reachOf(token: string, known: KnownCaller | undefined, socketAddress: string | null): Promise<Reach> {
    if (known && this.#verifier.isTrusted()) return known.reach
    return (await this.authenticate(token, socketAddress)).reach
  }

  /** @throws DomainError insufficient_scope, and what `authenticate` throws */
  async authenticate(token: string, socketAddress: string | null): Promise<KnownCaller> {
    const { generation } = this.#verifier
    const address = socketAddress?.replace(/^::ffff:/, '') ?? null
    const { caller, record, end } = await authenticate(this.#verifier, token, address)
    requireScope(caller, 'verify')
    const known: KnownCaller = {
      caller,
      reach: (found) => isVerifiableBy(caller, found),
      end,
      generation,
      use: record && { keyId: record.keyId, secretId: record.secretId },
    }
    // One that is bound to addresses is authenticated each time: the next request may come from another.
    if (record === null || record.allowedIps.length === 0) this.#known.remember(token, known)
    return known
  }
}
