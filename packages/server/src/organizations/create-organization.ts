import { recordChange } from '../audit/record-change.ts'
import { newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import { randomBase62 } from '../kernel/random.ts'
import type { Call } from '../people/call.ts'
import { requireRoot } from '../people/permissions.ts'
import type { Tx } from '../storage/database.ts'
import { managementProject } from './create-project.ts'
import type { Organization } from './organization.ts'
import { insertOrganization } from './organization-store.ts'
import { insertProject } from './project-store.ts'
import { slugFrom } from './slugs.ts'

export interface WantedOrganization {
  readonly name: string
  readonly slug?: string | undefined
  readonly external_id?: string | null | undefined
  readonly notification_email?: string | null | undefined
}

/** Makes an organization without projects. @throws DomainError root_key_required, slug_taken, external_id_taken */
export async function createOrganization(call: Call, wanted: WantedOrganization): Promise<Organization> {
  requireRoot(call.caller)
  return call.change(async (tx) => insertNewOrganization(tx, call, await call.now(tx), wanted))
}

/** For the first start too, which makes the organization `default`. */
export async function insertNewOrganization(
  tx: Tx,
  call: Call,
  now: Instant,
  wanted: WantedOrganization,
): Promise<Organization> {
  const organization: Organization = {
    id: newId('organization', now),
    slug: wanted.slug ?? (slugFrom(wanted.name) || `organization-${randomBase62(6).toLowerCase()}`),
    name: wanted.name,
    externalId: wanted.external_id ?? null,
    notificationEmail: wanted.notification_email ?? null,
    apiAccess: true,
    policy: {},
    timeZone: 'UTC',
    createdAt: now,
  }
  await insertOrganization(tx, organization)
  await insertProject(tx, organization.id, managementProject(organization, now))
  await recordChange(tx, call, now, {
    action: 'organization.created',
    organizationId: organization.id,
    projectId: null,
    target: { type: 'organization', id: organization.id, name: organization.name },
    before: null,
    after: {
      name: organization.name,
      slug: organization.slug,
      external_id: organization.externalId,
      notification_email: organization.notificationEmail,
    },
    affects: null,
  })
  return organization
}
