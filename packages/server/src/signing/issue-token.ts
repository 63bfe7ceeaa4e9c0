import { newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import { randomOctets } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { claimsOf, refuseLongToken, type TokenSubject } from './claims.ts'
import { makeSigningKey } from './make-signing-key.ts'
import { signToken } from './sign.ts'
import { lockCurrentKey, type SealedSigningKey } from './signing-key-store.ts'
import { placesPerList } from './status-list.ts'
import { findNewestList, insertList, insertToken, type TokenRecord } from './token-store.ts'

/**
 * A signed token, as the value of a secret that is inserted in the same transaction. The first one of an installation makes the key that
 * signs it: of many at once one does, the others wait for that.
 *
 * @throws DomainError jwt_too_long
 */
export async function issueToken(tx: Tx, call: Call, subject: TokenSubject, now: Instant): Promise<SecretValue> {
  const { issuer, sealKey } = call.tokens
  refuseLongToken(subject.scopes, issuer)
  const signingKey = await currentKey(tx, call, now)
  const place = await takePlace(tx, subject, signingKey.id, now)
  return new SecretValue(await signToken(signingKey, sealKey, 'at+jwt', claimsOf(subject, place, issuer, now)))
}

async function currentKey(tx: Tx, call: Call, now: Instant): Promise<SealedSigningKey> {
  for (;;) {
    const key = await lockCurrentKey(tx, now)
    if (key) return key
    // There was none ever, or the one that was found is just being withdrawn: then this does nothing, and the next is found.
    await makeSigningKey(tx, call, { number: 1, signsFrom: now, now })
  }
}

// A list goes on until so many places in a row, drawn at random, are taken: when somewhat more than half of it is.
const draws = 8

/** Drawn at random, so that a place says nothing of who was issued a token when, nor of how many there are. */
async function takePlace(
  tx: Tx,
  { secretId, expiresAt }: TokenSubject,
  signingKeyId: string,
  now: Instant,
): Promise<TokenRecord> {
  for (;;) {
    const list = await findNewestList(tx)
    if (list) {
      const token = { secretId, signingKeyId, statusListId: list.id, expiresAt }
      const statusIndex = await insertToken(tx, token, drawPlaces())
      if (statusIndex !== undefined) return { ...token, statusIndex }
    }
    await insertList(tx, { id: newId('statusList', now), number: (list?.number ?? 0) + 1 }, now)
  }
}

/** Evenly: their number is a power of two. */
function drawPlaces(): number[] {
  const octets = randomOctets(3 * draws)
  return Array.from({ length: draws }, (_, draw) => octets.readUIntBE(3 * draw, 3) % placesPerList)
}
