import type { Verdict } from '@keyturn/contract'
import { formatInstant } from '../kernel/instant.ts'
import { toQuotaLeft, toRateLimitLeft } from '../limits/verdict-limits.ts'
import type { Caller } from '../people/call.ts'
import { reachesProject } from '../people/permissions.ts'
import type { VerifyDemand, VerifyRecord } from './decide.ts'
import type { Finding, Verifier } from './verifier.ts'

/**
 * May a request with this value pass? For a product that asks: keys that the caller does not reach, and all management keys,
 * are not there. Every outcome is a value; errors are only those of the database.
 */
export async function verifyKey(
  verifier: Verifier,
  caller: Caller,
  presented: string,
  demand: VerifyDemand,
): Promise<Finding> {
  return verifier.inspect(presented, demand, (record) => isVerifiableBy(caller, record))
}

export function isVerifiableBy(caller: Caller, record: VerifyRecord): boolean {
  return record.management === null && reachesProject(caller, record.project.organizationId, record.project.projectId)
}

export function toVerdict({ code, hint, record, charge }: Finding): Verdict {
  return {
    valid: code === 'VALID',
    code,
    hint,
    key: record && {
      id: record.keyId,
      name: record.name,
      organization_id: record.project.organizationId,
      project_id: record.project.projectId,
      kind: record.kind,
      environment: record.environment,
      owner: record.owner,
      scopes: [...record.scopes],
      metadata: record.metadata,
    },
    secret: record && { id: record.secretId, slot: record.slot },
    expires_at: record && formatInstant(record.end),
    rate_limit: toRateLimitLeft(charge),
    quota: toQuotaLeft(charge),
  }
}
