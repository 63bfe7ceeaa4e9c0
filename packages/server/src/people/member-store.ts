import type { Role, RoleOnProject } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export interface MemberRecord {
  readonly organizationId: string
  readonly personId: string
  readonly name: string
  readonly email: string
  readonly twoFactor: boolean
  /** On the whole organization; null: on projects alone. */
  readonly role: Role | null
  readonly projects: readonly RoleOnProject[]
  readonly via: 'set_up' | 'invitation' | 'portal'
  readonly joinedAt: Instant
}

function selectMembers(reader: Reader) {
  return reader
    .selectFrom('members')
    .innerJoin('people', 'people.id', 'members.person_id')
    .select([
      'members.organization_id as organizationId',
      'members.person_id as personId',
      'people.name',
      'people.email',
      'people.two_factor_enabled as twoFactor',
      'members.role',
      'members.via',
      'members.joined_at as joinedAt',
      sql<RoleOnProject[]>`coalesce((
        select json_agg(json_build_object('project_id', p.project_id, 'role', p.role) order by p.project_id)
        from member_projects p where p.organization_id = members.organization_id and p.person_id = members.person_id
      ), '[]')`.as('projects'),
    ])
}

export function findMember(
  reader: Reader,
  organizationId: string,
  personId: string,
): Promise<MemberRecord | undefined> {
  return selectMembers(reader)
    .where('members.organization_id', '=', organizationId)
    .where('members.person_id', '=', personId)
    .executeTakeFirst()
}

/** The person's, in every organization. */
export function listMemberships(reader: Reader, personId: string): Promise<MemberRecord[]> {
  return selectMembers(reader).where('members.person_id', '=', personId).orderBy('members.organization_id').execute()
}

/** In the order of their ids. */
export function listMembers(
  reader: Reader,
  organizationId: string,
  page: { readonly after: string | null; readonly limit: number },
): Promise<MemberRecord[]> {
  let query = selectMembers(reader)
    .where('members.organization_id', '=', organizationId)
    .orderBy('members.person_id')
    .limit(page.limit)
  if (page.after !== null) query = query.where('members.person_id', '>', page.after)
  return query.execute()
}

/** Whom to ask: owners first. */
export async function listAdministrators(
  reader: Reader,
  organizationId: string,
  limit: number | null,
): Promise<{ name: string; email: string }[]> {
  return reader
    .selectFrom('members')
    .innerJoin('people', 'people.id', 'members.person_id')
    .select(['people.name', 'people.email'])
    .where('members.organization_id', '=', organizationId)
    .where('members.role', 'in', ['owner', 'admin'])
    .orderBy('members.role', 'desc')
    .orderBy('members.joined_at')
    .limit(limit)
    .execute()
}

/** The caller holds the organization's row, so that two owners cannot go at once. */
export async function countOwners(tx: Tx, organizationId: string): Promise<number> {
  const { count } = await tx
    .selectFrom('members')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_id', '=', organizationId)
    .where('role', '=', 'owner')
    .executeTakeFirstOrThrow()
  return count
}

export interface NewMember {
  readonly personId: string
  readonly role: Role | null
  readonly projects: readonly RoleOnProject[]
  readonly via: MemberRecord['via']
}

/** @returns false where they are one already */
export async function insertMember(tx: Tx, organizationId: string, member: NewMember, now: Instant): Promise<boolean> {
  const row = await tx
    .insertInto('members')
    .values({
      organization_id: organizationId,
      person_id: member.personId,
      role: member.role,
      via: member.via,
      joined_at: at(now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('person_id')
    .executeTakeFirst()
  if (!row) return false
  await insertProjects(tx, organizationId, member.personId, member.projects)
  await tx
    .deleteFrom('former_members')
    .where('organization_id', '=', organizationId)
    .where('email', 'in', (people) => people.selectFrom('people').select('email').where('id', '=', member.personId))
    .execute()
  return true
}

export async function setRoles(
  tx: Tx,
  organizationId: string,
  personId: string,
  roles: Pick<NewMember, 'role' | 'projects' | 'via'>,
): Promise<void> {
  await tx
    .updateTable('members')
    .set({ role: roles.role, via: roles.via })
    .where('organization_id', '=', organizationId)
    .where('person_id', '=', personId)
    .execute()
  await tx
    .deleteFrom('member_projects')
    .where('organization_id', '=', organizationId)
    .where('person_id', '=', personId)
    .execute()
  await insertProjects(tx, organizationId, personId, roles.projects)
}

/** They are remembered as somebody who is gone. */
export async function deleteMember(
  tx: Tx,
  organizationId: string,
  { personId, email }: Pick<MemberRecord, 'personId' | 'email'>,
  now: Instant,
): Promise<void> {
  await tx
    .deleteFrom('members')
    .where('organization_id', '=', organizationId)
    .where('person_id', '=', personId)
    .execute()
  await tx
    .insertInto('former_members')
    .values({ organization_id: organizationId, email, left_at: at(now) })
    .onConflict((conflict) => conflict.columns(['organization_id', 'email']).doUpdateSet({ left_at: at(now) }))
    .execute()
}

async function insertProjects(
  tx: Tx,
  organizationId: string,
  personId: string,
  projects: readonly RoleOnProject[],
): Promise<void> {
  if (projects.length === 0) return
  await tx
    .insertInto('member_projects')
    .values(
      projects.map(({ project_id, role }) => ({
        organization_id: organizationId,
        person_id: personId,
        project_id,
        role,
      })),
    )
    .execute()
}
