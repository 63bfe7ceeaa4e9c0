import type {
  AuditAction,
  TrackedCredentialCreate,
  TrackedCredentialEdit,
  TrackedCredentialRenew,
} from '@keyturn/contract'
import { differences, recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf, newId } from '../kernel/ids.ts'
import { formatInstant, type Instant, never, parseInstant, seconds } from '../kernel/instant.ts'
import { findProject } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Reader, Tx } from '../storage/database.ts'
import type { TrackedCredential, TrackedFacts, TrackedValue } from './tracked-credential.ts'
import * as store from './tracked-store.ts'

/** The credential as it is, at a time. */
export interface CredentialView {
  readonly credential: TrackedCredential
  readonly now: Instant
}

/**
 * Keeps an eye on a credential that somebody else issued. Its value is told to nobody. Same fingerprint, same entry: where one has it,
 * or had it, that one is given as it is.
 *
 * @throws DomainError insufficient_scope, project_not_found, whole_organization_required where it is of no project, fingerprint_taken by
 *   one that the caller does not reach
 */
export async function trackCredential(
  call: Call,
  organization: Organization,
  wanted: TrackedCredentialCreate,
): Promise<CredentialView & { readonly isNew: boolean }> {
  requireScope(call.caller, 'keys:write')
  const projectId = await findPlace(call, organization, wanted.project)
  const track = () => insertUnlessKnown(call, organization, projectId, wanted)
  try {
    return await track()
  } catch (error) {
    // Of two at once the second finds the first one's entry.
    if (error instanceof DomainError && error.code === 'fingerprint_taken') return track()
    throw error
  }
}

function insertUnlessKnown(
  call: Call,
  organization: Organization,
  projectId: string | null,
  wanted: TrackedCredentialCreate,
): Promise<CredentialView & { readonly isNew: boolean }> {
  return call.change(async (tx) => {
    const now = await call.now(tx)
    const facts = toFacts(wanted)
    const known = facts.fingerprint === null ? null : await findKnown(tx, call, organization, facts.fingerprint)
    if (known) return { credential: known, now, isNew: false }
    const credential: TrackedCredential = {
      id: newId('trackedCredential', now),
      organizationId: organization.id,
      projectId,
      name: wanted.name,
      purpose: wanted.purpose || null,
      owner: wanted.owner === undefined ? organization.notificationEmail : wanted.owner,
      contact: wanted.contact ?? null,
      ...facts,
      createdAt: now,
      createdBy: call.caller.actor,
      renewedAt: now,
      revision: 0,
    }
    await store.insertCredential(tx, organization.id, credential, valueOf(call, facts, now))
    await record(tx, call, now, credential, 'tracked_credential.created', null)
    return { credential, now, isNew: true }
  })
}

async function findKnown(
  tx: Tx,
  call: Call,
  organization: Organization,
  fingerprint: string,
): Promise<TrackedCredential | undefined> {
  const id = await store.findByFingerprint(tx, organization.id, fingerprint)
  const credential = id === undefined ? undefined : await store.findCredential(tx, organization.id, id)
  return credential && isInReach(call, credential) ? credential : undefined
}

/** @throws DomainError insufficient_scope, tracked_credential_not_found */
export function editCredential(
  call: Call,
  organization: Organization,
  id: string,
  edit: TrackedCredentialEdit,
): Promise<CredentialView> {
  return changeCredential(call, organization, id, 'tracked_credential.updated', async (_, credential) => ({
    ...credential,
    name: edit.name ?? credential.name,
    purpose: edit.purpose === undefined ? credential.purpose : edit.purpose || null,
    owner: edit.owner === undefined ? credential.owner : edit.owner,
    contact: edit.contact === undefined ? credential.contact : edit.contact,
  }))
}

/**
 * Makes its newest value known. The facts of those before stay in its history. One that it has or had already changes nothing.
 *
 * @throws DomainError insufficient_scope, tracked_credential_not_found, fingerprint_taken by another credential
 */
export function renewCredential(
  call: Call,
  organization: Organization,
  id: string,
  wanted: TrackedCredentialRenew,
): Promise<CredentialView> {
  return changeCredential(call, organization, id, 'tracked_credential.renewed', async (tx, credential, now) => {
    const facts = toFacts(wanted)
    const values = await store.listValues(tx, organization.id, id)
    const isKnown = facts.fingerprint !== null && values.some(({ fingerprint }) => fingerprint === facts.fingerprint)
    if (isKnown) return credential
    await store.insertValue(tx, organization.id, id, values.length + 1, valueOf(call, facts, now))
    return { ...credential, ...facts, renewedAt: now }
  })
}

/** @throws DomainError insufficient_scope, tracked_credential_not_found */
export async function forgetCredential(call: Call, organization: Organization, id: string): Promise<void> {
  await findInReach(call, organization, id, 'keys:write')
  await call.change(async (tx) => {
    const credential = await store.lockCredential(tx, organization.id, id)
    const now = await call.now(tx)
    await store.deleteCredential(tx, organization.id, id, now)
    await record(tx, call, now, credential, 'tracked_credential.deleted', {
      before: { deleted: false },
      after: { deleted: true },
    })
  })
}

/** @throws DomainError insufficient_scope, tracked_credential_not_found */
export async function readCredential(
  call: Call,
  organization: Organization,
  id: string,
): Promise<CredentialView & { readonly history: TrackedValue[] }> {
  const credential = await findInReach(call, organization, id, 'keys:read')
  const history = await store.listValues(call.reader, organization.id, id)
  return { credential, history, now: await call.now(call.reader) }
}

/** For what is told about several, deleted ones too. */
export function findCredentialsOfRecord(
  reader: Reader,
  organizationId: string,
  ids: readonly string[],
): Promise<TrackedCredential[]> {
  return store.findCredentialsEverTracked(reader, organizationId, ids)
}

/** Newest first. @throws DomainError insufficient_scope, invalid_cursor */
export async function listCredentials(
  call: Call,
  organization: Organization,
  query: { readonly owner?: string | undefined; readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ data: CredentialView[]; nextCursor: string | null }> {
  requireScope(call.caller, 'keys:read')
  const { limit, cursor, owner = null } = query
  if (cursor !== undefined && !isIdOf('trackedCredential', cursor)) throw new DomainError('invalid_cursor')
  const reached = call.caller.projects && [...call.caller.projects]
  const page = { before: cursor ?? null, limit: limit + 1 }
  const found = await store.listCredentials(call.reader, organization.id, reached, { owner }, page)
  const now = await call.now(call.reader)
  const data = found.slice(0, limit).map((credential) => ({ credential, now }))
  return { data, nextCursor: found.length > limit ? (data.at(-1)?.credential.id ?? null) : null }
}

/** One change in one transaction; where nothing differs afterwards it is a success without an event. */
async function changeCredential(
  call: Call,
  organization: Organization,
  id: string,
  action: AuditAction,
  decide: (tx: Tx, credential: TrackedCredential, now: Instant) => Promise<TrackedCredential>,
): Promise<CredentialView> {
  await findInReach(call, organization, id, 'keys:write')
  return call.change(async (tx) => {
    const before = await store.lockCredential(tx, organization.id, id)
    const now = await call.now(tx)
    const wanted = await decide(tx, before, now)
    const changed = differences(describe(before), describe(wanted))
    if (!changed && wanted.renewedAt === before.renewedAt) return { credential: before, now }
    const credential = await store.updateCredential(tx, organization.id, wanted)
    await record(tx, call, now, credential, action, changed)
    return { credential, now }
  })
}

async function findInReach(
  call: Call,
  organization: Organization,
  id: string,
  scope: 'keys:read' | 'keys:write',
): Promise<TrackedCredential> {
  requireScope(call.caller, scope)
  const credential = await store.findCredential(call.reader, organization.id, id)
  if (!credential || !isInReach(call, credential)) throw new DomainError('tracked_credential_not_found')
  return credential
}

/** One of no project is for whoever reaches the whole organization. */
const isInReach = ({ caller }: Call, { projectId }: TrackedCredential): boolean =>
  caller.projects === null || (projectId !== null && caller.projects.has(projectId))

async function findPlace(call: Call, organization: Organization, project: string | undefined): Promise<string | null> {
  if (project === undefined) {
    requireWholeOrganization(call.caller)
    return null
  }
  const within = { ...call, caller: { ...call.caller, organizationId: organization.id } }
  return (await findProject(within, project)).id
}

function toFacts(wanted: TrackedCredentialRenew): TrackedFacts {
  const { exp, expires_at: expiresAt } = wanted
  return {
    fingerprint: wanted.fingerprint ?? null,
    issuer: wanted.iss ?? null,
    subject: wanted.sub ?? null,
    keyId: wanted.kid ?? null,
    expiresAt: exp !== undefined ? seconds(exp) : expiresAt !== undefined ? parseInstant(expiresAt) : never,
  }
}

const valueOf = (call: Call, facts: TrackedFacts, now: Instant): TrackedValue => ({
  ...facts,
  recordedAt: now,
  recordedBy: call.caller.actor,
})

/** For the audit trail, with the names of the API. */
const describe = (credential: TrackedCredential) => ({
  name: credential.name,
  purpose: credential.purpose,
  owner: credential.owner,
  contact: credential.contact,
  fingerprint: credential.fingerprint,
  iss: credential.issuer,
  sub: credential.subject,
  kid: credential.keyId,
  expires_at: formatInstant(credential.expiresAt),
})

/** @param changed null: it is new, or only its value is */
async function record(
  tx: Tx,
  call: Call,
  now: Instant,
  credential: TrackedCredential,
  action: AuditAction,
  changed: { before: Record<string, unknown>; after: Record<string, unknown> } | null,
): Promise<void> {
  await recordChange(tx, call, now, {
    action,
    organizationId: credential.organizationId,
    projectId: credential.projectId,
    target: { type: 'tracked_credential', id: credential.id, name: credential.name },
    before: changed?.before ?? null,
    after: changed?.after ?? describe(credential),
    affects: null,
  })
}
