import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'

export interface PersonRecord {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
  readonly twoFactor: boolean
}

const toPerson = (row: Selectable<Schema['people']>): PersonRecord => ({
  id: row.id,
  name: row.name,
  email: row.email,
  emailVerified: row.email_verified,
  twoFactor: row.two_factor_enabled,
})

export async function findPerson(reader: Reader, id: string): Promise<PersonRecord | undefined> {
  const row = await reader.selectFrom('people').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toPerson(row)
}

export async function findPersonByEmail(reader: Reader, email: string): Promise<PersonRecord | undefined> {
  const row = await reader.selectFrom('people').selectAll().where('email', '=', email).executeTakeFirst()
  return row && toPerson(row)
}

/** Somebody with a password. Whom a product alone has signed in has none. */
export async function hasAnybodySignedUp(reader: Reader): Promise<boolean> {
  const row = await reader
    .selectFrom('accounts')
    .select('id')
    .where('password', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** @returns false where somebody has this address */
export async function insertPerson(tx: Tx, person: Omit<PersonRecord, 'twoFactor'>, now: Instant): Promise<boolean> {
  const row = await tx
    .insertInto('people')
    .values({
      id: person.id,
      name: person.name,
      email: person.email,
      email_verified: person.emailVerified,
      image: null,
      created_at: at(now),
      updated_at: at(now),
    })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * As better-auth keeps a password: an account of its own, with the person's id.
 *
 * @param password hashed
 * @returns false where they have one
 */
export async function insertPassword(
  tx: Tx,
  account: { readonly id: string; readonly personId: string; readonly password: string },
  now: Instant,
): Promise<boolean> {
  const row = await tx
    .insertInto('accounts')
    .values({
      id: account.id,
      person_id: account.personId,
      account_id: account.personId,
      provider_id: 'credential',
      password: account.password,
      created_at: at(now),
      updated_at: at(now),
    })
    .onConflict((conflict) => conflict.columns(['provider_id', 'account_id']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function hasPassword(reader: Reader, personId: string): Promise<boolean> {
  const row = await reader
    .selectFrom('accounts')
    .select('id')
    .where('person_id', '=', personId)
    .where('password', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

export async function verifyEmail(tx: Tx, personId: string): Promise<void> {
  await tx.updateTable('people').set({ email_verified: true }).where('id', '=', personId).execute()
}

export async function isSecondFactorOn(reader: Reader, personId: string): Promise<boolean> {
  const row = await reader
    .selectFrom('people')
    .select('two_factor_enabled')
    .where('id', '=', personId)
    .executeTakeFirst()
  return row?.two_factor_enabled ?? false
}

/** Says who does what the triggers put on record in this transaction, where that is not the person themselves. */
export async function nameActor(tx: Tx, actor: object, requestId: string | null): Promise<void> {
  await sql`select set_config('keyturn.actor', ${JSON.stringify(actor)}, true),
    set_config('keyturn.request', ${requestId ?? ''}, true)`.execute(tx)
}

export async function findTimeZone(
  reader: Reader,
  personId: string,
): Promise<{ readonly timeZone: string | null } | undefined> {
  return reader.selectFrom('people').select('time_zone as timeZone').where('id', '=', personId).executeTakeFirst()
}

export async function setTimeZone(tx: Tx, personId: string, timeZone: string | null): Promise<void> {
  await tx.updateTable('people').set({ time_zone: timeZone }).where('id', '=', personId).execute()
}
