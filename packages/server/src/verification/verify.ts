import type { Verdict, VerdictCode } from '@keyturn/contract'
import { sha256 } from '../kernel/digest.ts'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import { explainMiss, longestJwt, shapeOf } from '../keys/format.ts'
import { endOf } from '../keys/secret.ts'
import type { Caller } from '../people/call.ts'
import { reachesProject } from '../people/permissions.ts'
import type { Reader } from '../storage/database.ts'
import { decide, type VerifyDemand, type VerifyRecord } from './decide.ts'
import { hintFor } from './hints.ts'
import { findByDigest } from './verify-store.ts'

/** What a verdict needs of the world. */
export interface Verifier {
  readonly reader: Reader
  readonly now: (reader: Reader) => Promise<Instant>
  readonly keyPrefix: string
  /** Notes a use in memory; it is written later. */
  readonly noteUse: (keyId: string, secretId: string, at: Instant) => void
}

/** What was found out about a presented value. A record is there only where the real secret was presented, within reach. */
export interface Finding {
  readonly code: VerdictCode
  readonly hint: string | null
  readonly record: VerifyRecord | null
}

/**
 * May a request with this value pass? For a product that asks: keys that the caller does not reach, and all management keys,
 * are not there. Every outcome is a value; errors are only those of the database.
 */
export async function verifyKey(
  verifier: Verifier,
  caller: Caller,
  presented: string,
  demand: VerifyDemand,
): Promise<Verdict> {
  return toVerdict(
    await inspect(verifier, presented, demand, (record) => {
      const { management, organizationId, projectId } = record.key
      return management === null && reachesProject(caller, organizationId, projectId)
    }),
  )
}

/**
 * Looks a presented value up and decides.
 *
 * @param isInReach whether a record that was found may be spoken of at all
 */
export async function inspect(
  verifier: Verifier,
  presented: string,
  demand: VerifyDemand,
  isInReach: (record: VerifyRecord) => boolean,
): Promise<Finding> {
  if (presented.length > longestJwt || shapeOf(presented, verifier.keyPrefix) === 'wrong checksum') {
    return { ...explainMiss(presented, verifier.keyPrefix), record: null }
  }
  const record = await findByDigest(verifier.reader, sha256(presented))
  if (!record || record.key.state === 'deleted' || !isInReach(record)) {
    return { ...explainMiss(presented, verifier.keyPrefix), record: null }
  }
  const now = await verifier.now(verifier.reader)
  const code = decide(record, demand, now)
  if (code === 'VALID') verifier.noteUse(record.key.id, record.secret.id, now)
  return { code, hint: hintFor(code, record, demand), record }
}

export function toVerdict({ code, hint, record }: Finding): Verdict {
  return {
    valid: code === 'VALID',
    code,
    hint,
    key: record && {
      id: record.key.id,
      name: record.key.name,
      organization_id: record.key.organizationId,
      project_id: record.key.projectId,
      kind: record.key.kind,
      environment: record.key.environment,
      owner: record.key.owner,
      scopes: [...record.key.scopes],
      metadata: record.key.metadata,
    },
    secret: record && { id: record.secret.id, slot: record.secret.slot },
    expires_at: record && formatInstant(endOf(record.secret)),
    rate_limit: null,
  }
}
