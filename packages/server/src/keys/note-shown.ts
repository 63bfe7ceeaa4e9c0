import { recordChange } from '../audit/record-change.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import type { Key, SecretRecord } from './key.ts'
import { insertView } from './shown-store.ts'

/**
 * Whoever is shown the value of a secret is on record, in the transaction that makes it: what they take along when they leave. Of a
 * person it is an event of its own; of a program the event of the change says it, as the one that made the secret was shown it. A
 * publishable value everybody can read.
 */
export async function noteShown(tx: Tx, call: Call, key: Key, secret: SecretRecord, now: Instant): Promise<void> {
  if (key.kind === 'publishable') return
  const { actor } = call.caller
  const viewer = actor.id ?? actor.type
  await insertView(tx, key.organizationId, { secretId: secret.id, keyId: key.id, viewer, at: now })
  if (actor.type !== 'member') return
  await recordChange(tx, call, now, {
    action: 'secret.shown',
    organizationId: key.organizationId,
    projectId: key.projectId,
    target: { type: 'key', id: key.id, name: key.name },
    before: null,
    after: { secret: secret.id, hint: secret.hint },
    affects: null,
  })
}
