import type { Selectable } from 'kysely'
import type { Schema } from '../storage/schema.ts'
import type { TrackedCredential } from './tracked-credential.ts'

export const credentialColumns = [
  'id',
  'organization_id',
  'project_id',
  'name',
  'purpose',
  'owner',
  'contact',
  'fingerprint',
  'issuer',
  'subject',
  'key_id',
  'expires_at',
  'created_at',
  'created_by',
  'renewed_at',
  'revision',
] as const satisfies (keyof Schema['tracked_credentials'])[]

export type CredentialRow = Pick<Selectable<Schema['tracked_credentials']>, (typeof credentialColumns)[number]>

export function toCredential(row: CredentialRow): TrackedCredential {
  return {
    id: row.id,
    organizationId: row.organization_id,
    projectId: row.project_id,
    name: row.name,
    purpose: row.purpose,
    owner: row.owner,
    contact: row.contact,
    fingerprint: row.fingerprint,
    issuer: row.issuer,
    subject: row.subject,
    keyId: row.key_id,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    createdBy: row.created_by,
    renewedAt: row.renewed_at,
    revision: row.revision,
  }
}
