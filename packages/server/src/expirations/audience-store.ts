import { sql } from 'kysely'
import type { Reader } from '../storage/database.ts'

/** Of these addresses, those of people who are gone. */
export async function listGone(
  reader: Reader,
  organizationId: string,
  addresses: readonly string[],
): Promise<string[]> {
  const rows = await reader
    .selectFrom('former_members')
    .select('email')
    .where('organization_id', '=', organizationId)
    .where('email', '=', sql<string>`any(${[...addresses]}::text[])`)
    .execute()
  return rows.map(({ email }) => email)
}

/** Time zones that members have set for themselves, by address. */
export async function listTimeZones(
  reader: Reader,
  organizationId: string,
  addresses: readonly string[],
): Promise<Map<string, string>> {
  const rows = await reader
    .selectFrom('members')
    .innerJoin('people', 'people.id', 'members.person_id')
    .select(['people.email', 'people.time_zone'])
    .where('members.organization_id', '=', organizationId)
    .where('people.email', '=', sql<string>`any(${[...addresses]}::text[])`)
    .where('people.time_zone', 'is not', null)
    .execute()
  return new Map(rows.map(({ email, time_zone }) => [email, time_zone ?? '']))
}
