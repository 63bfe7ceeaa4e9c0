import type { Reader } from '../storage/database.ts'
import { findHead } from './audit-store.ts'

/** Since the organization began, whatever retention has cut since: nothing was made in it more often than that. */
export async function countEventsEver(reader: Reader, organizationId: string): Promise<number> {
  return (await findHead(reader, organizationId))?.sequence ?? 0
}
