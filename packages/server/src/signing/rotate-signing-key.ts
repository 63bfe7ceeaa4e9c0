import type { Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import { requireRoot } from '../people/permissions.ts'
import { makeSigningKey, recordSigningKey } from './make-signing-key.ts'
import { publishedAheadMs, type SigningKey, signingKeyStatusAt } from './signing-key.ts'
import { listSigningKeys as listAll, withdrawSigningKeys } from './signing-key-store.ts'

/** All there ever were, oldest first, at a time. */
export interface SigningKeysView {
  readonly keys: readonly SigningKey[]
  readonly now: Instant
}

/** @throws DomainError root_key_required */
export async function listSigningKeys(call: Call): Promise<SigningKeysView> {
  requireRoot(call.caller)
  return { keys: await listAll(call.reader), now: await call.now(call.reader) }
}

/**
 * A new key to sign with. It is published at once and signs a while later; the former one stays published until the last token that it
 * signed has ended. After a leak `withdraw` takes all former ones away at once, with every token under their signatures, and the new
 * one signs from now on.
 *
 * @returns the new one among all
 * @throws DomainError root_key_required
 */
export async function rotateSigningKey(
  call: Call,
  { withdraw }: { readonly withdraw?: boolean | undefined },
): Promise<SigningKeysView & { readonly made: SigningKey }> {
  requireRoot(call.caller)
  return call.change(async (tx) => {
    for (;;) {
      const now = await call.now(tx)
      const keys = await listAll(tx)
      const number = (keys.at(-1)?.number ?? 0) + 1
      const isSigning = keys.some((key) => signingKeyStatusAt(key, keys, now) === 'signing')
      const signsFrom = isSigning && !withdraw ? now + publishedAheadMs : now
      const made = await makeSigningKey(tx, call, { number, signsFrom, now })
      // Somebody rotated at the same moment: theirs comes before.
      if (!made) continue
      const withdrawn = withdraw ? await withdrawSigningKeys(tx, number, now) : []
      for (const id of withdrawn) await recordSigningKey(tx, call, now, id, 'signing_key.withdrawn', null)
      return { made, keys: await listAll(tx), now }
    }
  })
}
