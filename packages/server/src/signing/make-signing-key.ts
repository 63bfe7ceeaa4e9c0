import { recordChange } from '../audit/record-change.ts'
import { ed25519PublicOctets } from '../kernel/ed25519.ts'
import { newId } from '../kernel/ids.ts'
import { formatTime, type Instant } from '../kernel/instant.ts'
import { seal } from '../kernel/master-key.ts'
import { randomOctets } from '../kernel/random.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import type { SigningKey } from './signing-key.ts'
import { insertSigningKey } from './signing-key-store.ts'

/**
 * A new key, on record in the chain of the installation. The private half leaves this function sealed.
 *
 * @returns null where another has taken the number
 */
export async function makeSigningKey(
  tx: Tx,
  call: Call,
  { number, signsFrom, now }: { readonly number: number; readonly signsFrom: Instant; readonly now: Instant },
): Promise<SigningKey | null> {
  const seed = randomOctets(32)
  const key: SigningKey = {
    id: newId('signingKey', now),
    number,
    publicKey: ed25519PublicOctets(seed),
    createdAt: now,
    createdBy: call.caller.actor,
    signsFrom,
    withdrawnAt: null,
    lastTokenEndsAt: null,
  }
  const sealedPrivateKey = seal(call.tokens.sealKey, seed.toString('base64url'))
  if (!(await insertSigningKey(tx, { ...key, sealedPrivateKey }))) return null
  await recordSigningKey(tx, call, now, key.id, 'signing_key.created', { signs_from: formatTime(signsFrom) })
  return key
}

export async function recordSigningKey(
  tx: Tx,
  call: Call,
  now: Instant,
  id: string,
  action: 'signing_key.created' | 'signing_key.withdrawn',
  after: Readonly<Record<string, unknown>> | null,
): Promise<void> {
  await recordChange(tx, call, now, {
    action,
    organizationId: null,
    projectId: null,
    target: { type: 'signing_key', id, name: id },
    before: null,
    after,
    affects: null,
  })
}
