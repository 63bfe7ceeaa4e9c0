import type { ReminderState } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import { findManagementProject } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import type { Reader } from '../storage/database.ts'
import { reachOf } from './list-expirations.ts'
import type { Reminder } from './reminder.ts'
import * as store from './reminder-list-store.ts'

export interface ReminderListQuery {
  readonly state?: ReminderState | undefined
  readonly key?: string | undefined
  readonly recipient?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Newest first, within reach. @throws DomainError insufficient_scope, invalid_cursor */
export async function listReminders(
  call: Call,
  organization: Organization,
  query: ReminderListQuery,
): Promise<{ data: Reminder[]; nextCursor: string | null }> {
  const { projects, managementKeys } = reachOf(call, organization)
  const { cursor } = query
  if (cursor !== undefined && !isIdOf('reminder', cursor)) throw new DomainError('invalid_cursor')
  const hidden = managementKeys ? null : (await findManagementProject(call.reader, organization.id)).id
  const rows = await store.listReminders(
    call.reader,
    organization.id,
    { projects: projects === null ? null : [...projects], hidden },
    { state: query.state ?? null, keyId: query.key ?? null, recipient: query.recipient ?? null },
    { before: cursor ?? null, limit: query.limit + 1 },
  )
  const data = rows.slice(0, query.limit)
  return { data, nextCursor: rows.length > query.limit ? (data.at(-1)?.id ?? null) : null }
}

/** Where a reminder is, for asking whether somebody reaches it. */
export async function locateReminder(reader: Reader, organizationIds: readonly string[], id: string) {
  const found = await store.findReminder(reader, null, id)
  if (!found || !organizationIds.includes(found.organizationId)) return undefined
  const { organizationId, projectId } = found
  const hidden = projectId !== null && (await findManagementProject(reader, organizationId)).id === projectId
  return { organizationId, projectId: hidden ? null : projectId, management: hidden }
}
