import type { Actor } from '@keyturn/contract'
import { recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import { findKeyToChange } from '../keys/find-key.ts'
import { nameOrganizations } from '../organizations/find.ts'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import type { Tx } from '../storage/database.ts'
import { readScenes } from './read-scenes.ts'
import type { Reminder } from './reminder.ts'
import { findReminder, insertAcknowledgement, quietReminders } from './reminder-list-store.ts'
import { isQuieted } from './reminder-rules.ts'
import { targetOf } from './scene.ts'

/**
 * Somebody knows of it: of this date all is quiet but the last two thresholds, and that it has come. For all who would be told; what is on its
 * way goes.
 *
 * @throws DomainError insufficient_scope, reminder_not_found
 */
export async function acknowledgeReminder(call: Call, id: string): Promise<Reminder> {
  requireScope(call.caller, 'keys:write')
  const found = await findReminder(call.reader, call.caller.organizationId, id)
  if (!found || !(await isInReach(call, found))) throw new DomainError('reminder_not_found')
  const { organizationId, subjectId, endsAt } = found
  return call.change(async (tx) => {
    await acknowledge(tx, call, organizationId, subjectId, endsAt, call.caller.actor)
    return (await findReminder(tx, organizationId, id)) ?? found
  })
}

/** Of a key as for changing it, else by its project. */
async function isInReach(call: Call, { keyId, projectId }: Reminder): Promise<boolean> {
  if (keyId === null)
    return call.caller.projects === null || (projectId !== null && call.caller.projects.has(projectId))
  try {
    await findKeyToChange(call, keyId)
    return true
  } catch (error) {
    if (error instanceof DomainError && error.code === 'key_not_found') return false
    throw error
  }
}

/**
 * The same without asking who may: for a page that a link in a mail has opened. It is on record as done by `by`. To acknowledge twice is a success without an event.
 *
 * @returns false where nothing is announced of that date any more
 */
export function acknowledgeReminders(
  call: Call,
  organizationId: string,
  subjectId: string,
  endsAt: Instant,
  by: Actor,
): Promise<boolean> {
  return call.change((tx) => acknowledge(tx, call, organizationId, subjectId, endsAt, by))
}

async function acknowledge(
  tx: Tx,
  call: Call,
  organizationId: string,
  subjectId: string,
  endsAt: Instant,
  by: Actor,
): Promise<boolean> {
  const now = await call.now(tx)
  const organization = (await nameOrganizations(tx, [organizationId])).get(organizationId)
  const scene = organization && (await readScenes(tx, organization, [subjectId], now)).get(subjectId)
  const announcements = scene?.announcements.filter((one) => one.endsAt === endsAt) ?? []
  if (!scene || announcements.length === 0) return false
  const isNew = await insertAcknowledgement(tx, organizationId, { subjectId, endsAt, by, at: now })
  for (const announcement of announcements) {
    const thresholds = announcement.thresholds.filter((threshold) => isQuieted(announcement, threshold))
    await quietReminders(tx, organizationId, { subjectId, reason: announcement.reason, endsAt, thresholds })
  }
  if (isNew)
    await recordChange(tx, { ...call, caller: { actor: by } }, now, {
      action: 'reminder.acknowledged',
      organizationId,
      projectId: scene.projectId,
      target: targetOf(scene),
      before: null,
      after: { ...(scene.of.view ? { secret: subjectId } : {}), ends_at: formatInstant(endsAt) },
      affects: null,
    })
  return true
}
