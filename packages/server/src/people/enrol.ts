import type { Actor } from '@keyturn/contract'
import { recordChange } from '../audit/record-change.ts'
import { newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { type Call, type Ground, nowhere } from './call.ts'
import { insertMember, type NewMember } from './member-store.ts'
import {
  findPersonByEmail,
  hasPassword,
  insertPassword,
  insertPerson,
  type PersonRecord,
  verifyEmail,
} from './person-store.ts'

export interface NewPerson {
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
  /** Hashed. */
  readonly password: string
}

/** What somebody does who is only just becoming somebody. */
export function callBy(
  ground: Ground,
  person: { id: string; name: string },
  from: Pick<Call, 'requestId' | 'address'>,
): Call {
  const actor: Actor = { type: 'member', id: person.id, name: person.name }
  const caller = { actor, organizationId: nowhere, projects: new Set<string>(), scopes: new Set<never>() }
  return { ...ground, ...from, caller }
}

/** With a password. Whom a product alone has signed in so far is who they were. @returns null where somebody has this address and a password */
export async function signUp(tx: Tx, { password, ...wanted }: NewPerson, now: Instant): Promise<PersonRecord | null> {
  const known = await findPersonByEmail(tx, wanted.email)
  if (known && (await hasPassword(tx, known.id))) return null
  const person = known ?? (await insertNewPerson(tx, wanted, now))
  if (!person) return null
  if (known && wanted.emailVerified) await verifyEmail(tx, known.id)
  const account = { id: newId('account', now), personId: person.id, password }
  return (await insertPassword(tx, account, now)) ? person : null
}

/** Without a password. @returns null where somebody has this address */
export async function insertNewPerson(
  tx: Tx,
  wanted: Omit<NewPerson, 'password'>,
  now: Instant,
): Promise<PersonRecord | null> {
  const person = {
    id: newId('person', now),
    name: wanted.name,
    email: wanted.email,
    emailVerified: wanted.emailVerified,
    twoFactor: false,
  }
  return (await insertPerson(tx, person, now)) ? person : null
}

/** Makes somebody a member, on record. @returns false where they are one already */
export async function addMember(
  tx: Tx,
  call: Call,
  organizationId: string,
  person: Pick<PersonRecord, 'name' | 'email'>,
  member: NewMember,
  now: Instant,
): Promise<boolean> {
  if (!(await insertMember(tx, organizationId, member, now))) return false
  await recordChange(tx, call, now, {
    action: 'member.added',
    organizationId,
    projectId: null,
    target: { type: 'person', id: member.personId, name: person.name },
    before: null,
    after: { email: person.email, role: member.role, projects: member.projects, via: member.via },
    affects: null,
  })
  return true
}
