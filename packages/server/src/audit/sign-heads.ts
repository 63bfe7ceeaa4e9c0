import type { KeyObject } from 'node:crypto'
import type { Database } from '../storage/database.ts'
import { insertSignature, listUnsignedHeads } from './audit-store.ts'
import { signHead } from './chain.ts'

export interface SignedHead {
  readonly chain: string
  readonly sequence: number
  readonly hash: string
  readonly signature: string
}

/**
 * Signs the heads of all chains that have at least `atLeast` events since their last signature. Whoever can write to the
 * database can compute a chain anew, but not sign it; the signed heads are logged too, so that they can be kept elsewhere.
 *
 * @returns what was signed
 */
export async function signHeads(database: Database, key: KeyObject, atLeast: number): Promise<SignedHead[]> {
  const heads = (await listUnsignedHeads(database.reader)).filter(
    (head) => head.sequence - head.signedThrough >= atLeast,
  )
  const signed: SignedHead[] = []
  for (const { chain, sequence, hash } of heads) {
    const signature = signHead(key, chain, sequence, hash)
    await database.transaction(async (tx) => {
      await insertSignature(tx, chain, { sequence, hash, signature }, await database.now(tx))
    })
    signed.push({
      chain,
      sequence,
      hash: Buffer.from(hash).toString('hex'),
      signature: Buffer.from(signature).toString('base64url'),
    })
  }
  return signed
}
