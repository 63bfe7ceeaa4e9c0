import { recordChanges } from '../audit/record-change.ts'
import { formatInstant, formatTime, type Instant } from '../kernel/instant.ts'
import { nameOrganizations } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { remindersFor } from './plan-reminders.ts'
import { readScenes } from './read-scenes.ts'
import { isAlertDue, tellEndWithinMs } from './reminder-rules.ts'
import { insertReminders, listCalledAfterEnd, listTold, tryLock } from './reminder-store.ts'
import { targetOf } from './scene.ts'
import { bySystem } from './settle-reminders.ts'

const batch = 200
const dayMs = 86_400_000

/** Tells of secrets that have ended and are called: at once, then once a day while that goes on. One node at a time does it. */
export async function alertCallsAfterEnd(ground: Ground): Promise<void> {
  while ((await ground.change((tx) => alertBatch(tx, ground))) === batch);
}

async function alertBatch(tx: Tx, ground: Ground): Promise<number> {
  if (!(await tryLock(tx, 'used after end'))) return 0
  const now = await ground.now(tx)
  const called = await listCalledAfterEnd(tx, {
    refusedSince: now - tellEndWithinMs,
    toldBefore: now - dayMs,
    limit: batch,
  })
  const byOrganization = Map.groupBy(called, ({ organizationId }) => organizationId)
  const organizations = await nameOrganizations(tx, [...byOrganization.keys()])
  let told = 0
  for (const id of [...byOrganization.keys()].toSorted()) {
    const organization = organizations.get(id)
    if (organization) told += await alertOrganization(tx, organization, byOrganization.get(id) ?? [], now)
  }
  return told
}

async function alertOrganization(
  tx: Tx,
  organization: Organization,
  called: readonly { readonly subjectId: string; readonly lastRefusedAt: Instant }[],
  now: Instant,
): Promise<number> {
  const subjectIds = called.map(({ subjectId }) => subjectId)
  const scenes = await readScenes(tx, organization, subjectIds, now)
  const toldAt = new Map(
    (await listTold(tx, organization.id, subjectIds))
      .filter(({ reason }) => reason === 'used_after_end')
      .map(({ subjectId, at }) => [subjectId, at]),
  )
  const facts = called.flatMap(({ subjectId, lastRefusedAt }) => {
    const scene = scenes.get(subjectId)
    if (!scene) return []
    const { endsAt, owner, contact, inUse } = scene
    if (!isAlertDue({ endsAt, lastRefusedAt, toldAt: toldAt.get(subjectId) ?? null }, now)) return []
    const threshold = -Math.round((now - endsAt) / 1000)
    const told = { reason: 'used_after_end' as const, threshold, endsAt, owner, contact, inUse }
    return [{ scene, told, quiet: false, lastRefusedAt }]
  })
  if (facts.length === 0) return 0
  await insertReminders(tx, organization.id, await remindersFor(tx, organization, facts, now))
  await recordChanges(
    tx,
    bySystem,
    now,
    organization.id,
    facts.map(({ scene, told: { threshold, endsAt }, lastRefusedAt }) => ({
      action: 'key.used_after_end' as const,
      projectId: scene.projectId,
      target: targetOf(scene),
      before: null,
      after: {
        secret: scene.subjectId,
        threshold,
        ends_at: formatInstant(endsAt),
        last_called_at: formatTime(lastRefusedAt),
      },
    })),
  )
  return facts.length
}
