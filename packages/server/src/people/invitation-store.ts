import type { Actor, Role, RoleOnProject } from '@keyturn/contract'
import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'

export interface Invitation {
  readonly id: string
  readonly organizationId: string
  readonly email: string
  readonly role: Role | null
  readonly projects: readonly RoleOnProject[]
  readonly mailed: boolean
  readonly createdBy: Actor
  readonly createdAt: Instant
  readonly expiresAt: Instant
}

const toInvitation = (row: Selectable<Schema['invitations']>): Invitation => ({
  id: row.id,
  organizationId: row.organization_id,
  email: row.email,
  role: row.role,
  projects: row.projects,
  mailed: row.mailed,
  createdBy: row.created_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

/** The former one to the same address gives way to it. @param digest SHA-256 of the token */
export async function insertInvitation(tx: Tx, invitation: Invitation, digest: Uint8Array): Promise<void> {
  await tx
    .updateTable('invitations')
    .set({ withdrawn_at: at(invitation.createdAt) })
    .where('organization_id', '=', invitation.organizationId)
    .where('email', '=', invitation.email)
    .where('accepted_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .execute()
  await tx
    .insertInto('invitations')
    .values({
      id: invitation.id,
      organization_id: invitation.organizationId,
      email: invitation.email,
      role: invitation.role,
      projects: JSON.stringify(invitation.projects),
      token_digest: digest,
      created_by: JSON.stringify(invitation.createdBy),
      created_at: at(invitation.createdAt),
      expires_at: at(invitation.expiresAt),
    })
    .execute()
}

const openOnes = (reader: Reader, now: Instant) =>
  reader
    .selectFrom('invitations')
    .selectAll()
    .where('accepted_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .where('expires_at', '>', at(now))

export async function findByToken(reader: Reader, digest: Uint8Array, now: Instant): Promise<Invitation | undefined> {
  const row = await openOnes(reader, now).where('token_digest', '=', digest).executeTakeFirst()
  return row && toInvitation(row)
}

/** Of two that accept at once the second finds it accepted. */
export async function lockByToken(tx: Tx, digest: Uint8Array, now: Instant): Promise<Invitation | undefined> {
  const row = await openOnes(tx, now).where('token_digest', '=', digest).forUpdate().executeTakeFirst()
  return row && toInvitation(row)
}

/** Open ones, in the order of their ids. */
export async function listInvitations(
  reader: Reader,
  organizationId: string,
  now: Instant,
  page: { readonly after: string | null; readonly limit: number },
): Promise<Invitation[]> {
  let query = openOnes(reader, now).where('organization_id', '=', organizationId).orderBy('id').limit(page.limit)
  if (page.after !== null) query = query.where('id', '>', page.after)
  return (await query.execute()).map(toInvitation)
}

export async function markAccepted(tx: Tx, id: string, now: Instant): Promise<void> {
  await tx
    .updateTable('invitations')
    .set({ accepted_at: at(now) })
    .where('id', '=', id)
    .execute()
}

/** Only what went to the mailbox alone shows that whoever comes with it reads its mail. */
export async function markMailed(reader: Reader, id: string): Promise<void> {
  await reader.updateTable('invitations').set({ mailed: true }).where('id', '=', id).execute()
}

const madeBy = (personId: string) =>
  sql<boolean>`created_by ->> 'type' = 'member' and created_by ->> 'id' = ${personId}`

/** Open ones that somebody made. */
export async function countBy(reader: Reader, organizationId: string, personId: string, now: Instant): Promise<number> {
  const rows = await openOnes(reader, now)
    .where('organization_id', '=', organizationId)
    .where(madeBy(personId))
    .execute()
  return rows.length
}

export async function withdrawBy(
  tx: Tx,
  organizationId: string,
  personId: string,
  now: Instant,
): Promise<Invitation[]> {
  const rows = await tx
    .updateTable('invitations')
    .set({ withdrawn_at: at(now) })
    .where('organization_id', '=', organizationId)
    .where(madeBy(personId))
    .where('accepted_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .where('expires_at', '>', at(now))
    .returningAll()
    .execute()
  return rows.map(toInvitation)
}

export async function withdraw(
  tx: Tx,
  organizationId: string,
  id: string,
  now: Instant,
): Promise<Invitation | undefined> {
  const row = await tx
    .updateTable('invitations')
    .set({ withdrawn_at: at(now) })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('accepted_at', 'is', null)
    .where('withdrawn_at', 'is', null)
    .where('expires_at', '>', at(now))
    .returningAll()
    .executeTakeFirst()
  return row && toInvitation(row)
}
