import type { Reader } from '../storage/database.ts'
import type { VerifyRecord } from './decide.ts'

/**
 * What a verdict on this value depends on, in one snapshot. Digests are unique over all organizations; whether the caller reaches
 * the one that is found, the caller of this function decides.
 *
 * @param digest SHA-256 of the presented value
 */
export async function findByDigest(reader: Reader, digest: Uint8Array): Promise<VerifyRecord | undefined> {
  const row = await reader
    .selectFrom('secrets')
    .innerJoin('keys', 'keys.id', 'secrets.key_id')
    .innerJoin('projects', 'projects.id', 'keys.project_id')
    .innerJoin('organizations', 'organizations.id', 'keys.organization_id')
    .where('secrets.digest', '=', digest)
    .select([
      'secrets.id as secret_id',
      'secrets.slot',
      'secrets.expires_at',
      'secrets.retires_at',
      'secrets.ended_at',
      'secrets.ended_by',
      'keys.id',
      'keys.organization_id',
      'keys.project_id',
      'keys.management',
      'keys.management_projects',
      'keys.kind',
      'keys.environment',
      'keys.name',
      'keys.owner',
      'keys.scopes',
      'keys.allowed_ips',
      'keys.metadata',
      'keys.state',
      'projects.slug as project_slug',
      'projects.api_access as project_access',
      'organizations.api_access as organization_access',
    ])
    .executeTakeFirst()
  if (!row) return undefined
  return {
    secret: {
      id: row.secret_id,
      slot: row.slot,
      expiresAt: row.expires_at,
      retiresAt: row.retires_at,
      endedAt: row.ended_at,
      endedBy: row.ended_by,
    },
    key: {
      id: row.id,
      organizationId: row.organization_id,
      projectId: row.project_id,
      management: row.management ? { projects: row.management_projects } : null,
      kind: row.kind,
      environment: row.environment,
      name: row.name,
      owner: row.owner,
      scopes: row.scopes,
      allowedIps: row.allowed_ips,
      metadata: row.metadata,
      state: row.state,
    },
    projectSlug: row.project_slug,
    // The switch never applies to management keys, or nobody could switch it on again.
    apiAccess: row.management || (row.project_access && row.organization_access),
  }
}
