import { findKeyInReach } from '../keys/find-key.ts'
import { normalise } from '../keys/slots.ts'
import type { KeyView } from '../keys/view-keys.ts'
import { viewKey } from '../keys/view-keys.ts'
import type { Call } from '../people/call.ts'
import { readCalls } from '../usage/read-calls.ts'
import { type CutOver, describeCutOver, secretsOfCutOver } from './cut-over.ts'

/**
 * How far the owner of a key has come with a rotation, by the calls with each of its secrets. Uses are written every five seconds by
 * each node: whoever wants those of this one has them written before.
 *
 * @throws DomainError insufficient_scope, key_not_found
 */
export async function readCutOver(call: Call, keyId: string): Promise<{ view: KeyView; cutOver: CutOver }> {
  const key = await findKeyInReach(call, keyId, 'keys:read')
  const now = await call.now(call.reader)
  const view = await viewKey(call.reader, key, now)
  const slots = normalise(view.secrets, now)
  const secrets = secretsOfCutOver(slots, view.secrets, now)
  const callsOf = await readCalls(call.reader, key.id, secrets, now)
  return { view, cutOver: describeCutOver(slots, secrets, callsOf, now) }
}
