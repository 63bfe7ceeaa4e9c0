import type { Reader } from '../storage/database.ts'
import { listAdministrators } from './member-store.ts'

/**
 * The addresses of an organization's owners and administrators, owners first.
 * @param most null for all
 */
export async function addressesOfAdministrators(
  reader: Reader,
  organizationId: string,
  most: number | null = null,
): Promise<string[]> {
  const found = await listAdministrators(reader, organizationId, most)
  return found.map(({ email }) => email)
}
