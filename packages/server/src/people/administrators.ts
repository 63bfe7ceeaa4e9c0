import type { Reader } from '../storage/database.ts'
import { listAdministrators } from './member-store.ts'

// More than that nobody needs to wake for one key.
const mostAdministrators = 50

/** The addresses of an organization's owners and administrators, owners first. */
export async function addressesOfAdministrators(reader: Reader, organizationId: string): Promise<string[]> {
  const found = await listAdministrators(reader, organizationId, mostAdministrators)
  return found.map(({ email }) => email)
}
