import { differences, recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import { lockOrganizationForMembers } from '../organizations/find.ts'
import type { Page, PageQuery } from '../organizations/list.ts'
import type { Reader, Tx } from '../storage/database.ts'
import type { Call } from './call.ts'
import { requireToGive, rolesToGive, type WantedRoles } from './give-role.ts'
import { countOwners, findMember, listMembers as listRecords, type MemberRecord, setRoles } from './member-store.ts'
import { findLastSignIns } from './session-store.ts'

/** A member with what people see of them. */
export interface MemberView extends MemberRecord {
  readonly lastSignedInAt: Instant | null
}

/** In the order of their ids. @throws DomainError invalid_cursor */
export async function listMembers(call: Call, organizationId: string, query: PageQuery): Promise<Page<MemberView>> {
  const { cursor, limit } = query
  if (cursor !== undefined && !isIdOf('person', cursor)) throw new DomainError('invalid_cursor')
  const rows = await listRecords(call.reader, organizationId, { after: cursor ?? null, limit: limit + 1 })
  const data = await viewMembers(call.reader, rows.slice(0, limit))
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.personId ?? null) : null }
}

/** @throws DomainError member_not_found */
export async function readMember(reader: Reader, organizationId: string, personId: string): Promise<MemberView> {
  const member = await findMember(reader, organizationId, personId)
  const [view] = member ? await viewMembers(reader, [member]) : []
  if (!view) throw new DomainError('member_not_found')
  return view
}

async function viewMembers(reader: Reader, members: readonly MemberRecord[]): Promise<MemberView[]> {
  const last = await findLastSignIns(
    reader,
    members.map((member) => member.personId),
  )
  return members.map((member) => ({ ...member, lastSignedInAt: last.get(member.personId) ?? null }))
}

/**
 * Gives a member other roles in place of all they had. A last owner stays one: of two owners that step down at once one is told so.
 *
 * @throws DomainError member_not_found, last_owner, project_not_found, role_required, cannot_give_more_than_you_have
 */
export async function changeRoles(
  call: Call,
  organizationId: string,
  personId: string,
  wanted: WantedRoles,
): Promise<MemberView> {
  const given = await rolesToGive(call, organizationId, wanted)
  return call.change(async (tx) => {
    const member = await lockMember(tx, organizationId, personId)
    await requireToGive({ ...call, reader: tx }, organizationId, member.role)
    const changed = differences(rolesOf(member), rolesOf(given))
    if (!changed) return readMember(tx, organizationId, personId)
    if (member.role === 'owner' && given.role !== 'owner') await requireAnotherOwner(tx, organizationId)
    const now = await call.now(tx)
    await setRoles(tx, organizationId, personId, { ...given, via: member.via })
    await recordChange(tx, call, now, {
      action: 'member.role_changed',
      organizationId,
      projectId: null,
      target: { type: 'person', id: personId, name: member.name },
      ...changed,
      affects: null,
    })
    return readMember(tx, organizationId, personId)
  })
}

/** Whoever changes members waits here for whoever is changing others. @throws DomainError member_not_found */
export async function lockMember(tx: Tx, organizationId: string, personId: string): Promise<MemberRecord> {
  await lockOrganizationForMembers(tx, organizationId)
  const member = await findMember(tx, organizationId, personId)
  if (!member) throw new DomainError('member_not_found')
  return member
}

/** @throws DomainError last_owner */
export async function requireAnotherOwner(tx: Tx, organizationId: string): Promise<void> {
  if ((await countOwners(tx, organizationId)) < 2) throw new DomainError('last_owner')
}

const rolesOf = ({ role, projects }: Pick<MemberRecord, 'role' | 'projects'>) => ({
  role,
  projects: projects.map(({ project_id, role: onProject }) => ({ project_id, role: onProject })),
})
