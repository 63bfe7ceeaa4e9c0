import { readCredential } from '../expirations/track-credential.ts'
import type { TrackedCredential } from '../expirations/tracked-credential.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { type KeyView, type SecretWithUse, viewKeysById } from '../keys/view-keys.ts'
import { nameOrganizations, readProject } from '../organizations/find.ts'
import type { Organization, Project } from '../organizations/organization.ts'
import type { Call, Ground } from '../people/call.ts'
import { type LinkSubject, openActionLink } from './action-links.ts'

/** What a link of a reminder is about, as it is now. */
export interface OpenedReminder {
  readonly about: LinkSubject
  readonly organization: Organization
  /** Null: a tracked credential that is of none. */
  readonly project: Project | null
  readonly of:
    | { readonly view: KeyView; readonly secret: SecretWithUse; readonly credential: null }
    | { readonly view: null; readonly secret: null; readonly credential: TrackedCredential }
  readonly now: Instant
}

/**
 * Looks at what a link is about, and changes nothing: whatever follows links in mails does this much.
 *
 * @returns null for a link that was not made here, was altered, whose time is over, or whose key was deleted
 */
export async function openReminder(
  ground: Ground,
  masterKey: MasterKey,
  token: SecretValue,
): Promise<OpenedReminder | null> {
  const now = await ground.now(ground.reader)
  const about = openActionLink(masterKey, token, now)
  if (!about) return null
  return about.keyId === null ? openOfCredential(ground, about, now) : openOfKey(ground, about, about.keyId, now)
}

async function openOfKey({ reader }: Ground, about: LinkSubject, keyId: string, now: Instant) {
  const { organizationId, subjectId } = about
  const view = (await viewKeysById(reader, organizationId, [keyId], now)).get(keyId)
  const secret = view?.secrets.find(({ id }) => id === subjectId)
  if (!view || !secret) return null
  const { organization, project } = await readProject(reader, organizationId, view.key.projectId)
  return { about, organization, project, of: { view, secret, credential: null }, now }
}

async function openOfCredential(ground: Ground, about: LinkSubject, now: Instant): Promise<OpenedReminder | null> {
  const { organizationId, subjectId } = about
  const organization = (await nameOrganizations(ground.reader, [organizationId])).get(organizationId)
  if (!organization) return null
  try {
    const { credential } = await readCredential(callOfLink(ground, about, {}), organization, subjectId)
    const { projectId } = credential
    const project = projectId === null ? null : (await readProject(ground.reader, organizationId, projectId)).project
    return { about, organization, project, of: { view: null, secret: null, credential }, now }
  } catch (error) {
    if (error instanceof DomainError && error.code === 'tracked_credential_not_found') return null
    throw error
  }
}

/** The link as a caller: whoever holds it, within its organization, and no further than to look. */
export function callOfLink(
  ground: Ground,
  { organizationId, recipient }: LinkSubject,
  { requestId = null, address = null }: Partial<Pick<Call, 'requestId' | 'address'>>,
): Call {
  return {
    ...ground,
    requestId,
    address,
    caller: {
      actor: { type: 'reminder_link', id: null, name: `Link in a mail to ${recipient}` },
      organizationId,
      projects: null,
      scopes: new Set(['keys:read']),
    },
  }
}
