import type { Slot } from '@keyturn/contract'
import { newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import type { Call } from '../people/call.ts'
import { issueToken } from '../signing/issue-token.ts'
import type { Tx } from '../storage/database.ts'
import { hintOf, jwtHead, mintValue, prefixOf } from './format.ts'
import type { Key, SecretRecord } from './key.ts'

/** A secret that is to be inserted, with its value. */
export interface MintedSecret {
  readonly secret: SecretRecord
  readonly value: SecretValue
}

/**
 * A new secret of a key: a random value, or, of a JWT key, a token that says what the record says.
 *
 * @param wanted `id` where it has to be known beforehand
 * @throws DomainError jwt_too_long
 */
export async function mintSecret(
  tx: Tx,
  call: Call,
  key: Key,
  wanted: { readonly slot: Slot; readonly expiresAt: Instant; readonly id?: string },
  now: Instant,
): Promise<MintedSecret> {
  const { slot, expiresAt, id = newId('secret', now) } = wanted
  const isToken = key.kind === 'jwt'
  const prefix = isToken ? jwtHead : prefixOf(call.keyPrefix, key.kind, key.environment)
  const { projectId, environment, scopes } = key
  const value = isToken
    ? await issueToken(tx, call, { secretId: id, keyId: key.id, projectId, environment, scopes, expiresAt }, now)
    : mintValue(prefix)
  const secret: SecretRecord = {
    id,
    keyId: key.id,
    slot,
    hint: hintOf(prefix, value),
    value: key.kind === 'publishable' ? value.reveal() : null,
    createdAt: now,
    expiresAt,
    retiresAt: null,
    overlapStartedAt: null,
    endedAt: null,
    endedBy: null,
  }
  return { secret, value }
}
