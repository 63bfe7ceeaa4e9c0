import type { AuditAction } from '@keyturn/contract'
import { recordChanges } from '../audit/record-change.ts'
import { newId } from '../kernel/ids.ts'
import { formatInstant, type Instant, never } from '../kernel/instant.ts'
import { nameOrganizations } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { readAudience, readTimeZones } from './audience.ts'
import { nextMorning } from './morning.ts'
import { readScenes } from './read-scenes.ts'
import { nobodyToTell, type Reminder } from './reminder.ts'
import { type Announcement, dueThreshold, isQuieted, nextLook } from './reminder-rules.ts'
import { isUrgent, recipientsOf, type Told } from './reminder-sending.ts'
import {
  claimDue,
  insertReminders,
  listAcknowledged,
  listTold,
  moveProgress,
  sweepSome,
  type ToldRow,
} from './reminder-store.ts'
import { neverEnds, type Scene, targetOf } from './scene.ts'
import { bySystem } from './settle-reminders.ts'

// A batch is one transaction. Every change of the organization waits while its events are sealed, and no verdict of this process is given
// while it is worked out.
const batch = 100
const sweepAtOnce = 5_000

/**
 * Finds out what is to be told by now, and to whom. Level-triggered: it goes by what is, and not by what happened, so that nothing is
 * missed while no node runs. It touches what is due and nothing else. Any number of nodes may do it at once.
 *
 * @param rest between two batches, so that verdicts have the processor
 * @returns how many secrets and tracked credentials were looked at
 */
export async function planReminders(ground: Ground, rest: () => Promise<void> = async () => {}): Promise<number> {
  while (await ground.change((tx) => sweepSome(tx, sweepAtOnce)));
  for (let looked = 0; ; ) {
    const claimed = await ground.change((tx) => planBatch(tx, ground))
    looked += claimed
    if (claimed < batch) return looked
    await rest()
  }
}

async function planBatch(tx: Tx, ground: Ground): Promise<number> {
  const due = await claimDue(tx, batch, await ground.now(tx))
  if (due.length === 0) return 0
  const now = await ground.now(tx)
  const byOrganization = Map.groupBy(due, ({ organizationId }) => organizationId)
  const organizations = await nameOrganizations(tx, [...byOrganization.keys()])
  // In one order for everybody.
  for (const id of [...byOrganization.keys()].toSorted()) {
    const organization = organizations.get(id)
    const subjectIds = (byOrganization.get(id) ?? []).map(({ subjectId }) => subjectId)
    if (organization) await planOrganization(tx, organization, subjectIds, now)
    else
      await moveProgress(
        tx,
        subjectIds.map((subjectId) => ({ subjectId, nextAt: null })),
      )
  }
  return due.length
}

async function planOrganization(
  tx: Tx,
  organization: Organization,
  subjectIds: readonly string[],
  now: Instant,
): Promise<void> {
  const scenes = await readScenes(tx, organization, subjectIds, now)
  const told = new ToldBefore(await listTold(tx, organization.id, subjectIds))
  const news: News[] = []
  const looks = subjectIds.map((subjectId) => {
    const scene = scenes.get(subjectId)
    if (!scene) return { subjectId, nextAt: null }
    for (const announcement of scene.announcements) {
      const threshold = dueThreshold(announcement, told.smallest(subjectId, announcement), scene.lastUsedAt, now)
      if (threshold === null) continue
      news.push({ scene, announcement, threshold })
      told.note(subjectId, announcement, threshold)
    }
    return { subjectId, nextAt: nextLookAt(scene, told, now) }
  })
  await tell(tx, organization, news, now)
  await moveProgress(tx, looks)
}

function nextLookAt(scene: Scene, told: ToldBefore, now: Instant): Instant | null {
  const { subjectId, announcements, otherEnds, endsAt } = scene
  const next = nextLook(announcements, (one) => told.smallest(subjectId, one), otherEnds, now)
  // What lives on is looked at again when the rules are changed.
  return next ?? (neverEnds(scene) || endsAt > now ? never : null)
}

/** A threshold of an announcement that has come. */
export interface News {
  readonly scene: Scene
  readonly announcement: Announcement
  readonly threshold: number
}

class ToldBefore {
  readonly #smallest = new Map<string, number>()

  constructor(rows: readonly ToldRow[]) {
    for (const { subjectId, reason, endsAt, threshold } of rows)
      this.#smallest.set(`${subjectId} ${reason} ${endsAt}`, threshold)
  }

  smallest(subjectId: string, { reason, endsAt }: Announcement): number | null {
    return this.#smallest.get(`${subjectId} ${reason} ${endsAt}`) ?? null
  }

  note(subjectId: string, { reason, endsAt }: Announcement, threshold: number): void {
    this.#smallest.set(`${subjectId} ${reason} ${endsAt}`, threshold)
  }
}

/** A reminder for each who is to hear of it, and an event for each threshold of an end. */
async function tell(tx: Tx, organization: Organization, news: readonly News[], now: Instant): Promise<void> {
  if (news.length === 0) return
  const subjectIds = news.map(({ scene }) => scene.subjectId)
  const acknowledged = new Set(
    (await listAcknowledged(tx, organization.id, subjectIds)).map(({ subjectId, endsAt }) => `${subjectId} ${endsAt}`),
  )
  const isQuiet = ({ scene, announcement, threshold }: News) =>
    acknowledged.has(`${scene.subjectId} ${announcement.endsAt}`) && isQuieted(announcement, threshold)
  const facts = news.map((one) => ({ scene: one.scene, quiet: isQuiet(one), told: toldOf(one) }))
  await insertReminders(tx, organization.id, await remindersFor(tx, organization, facts, now))
  await recordChanges(
    tx,
    bySystem,
    now,
    organization.id,
    news.flatMap(({ scene, announcement: { reason, endsAt }, threshold }) => {
      const action = actionOf(scene, reason, threshold)
      const about = scene.of.view ? { secret: scene.subjectId } : {}
      const after = { ...about, reason, threshold, ends_at: formatInstant(endsAt) }
      return action === null
        ? []
        : [{ action, projectId: scene.projectId, target: targetOf(scene), before: null, after }]
    }),
  )
}

const toldOf = ({ scene, announcement: { reason, endsAt }, threshold }: News): Told => ({
  reason,
  threshold,
  endsAt,
  owner: scene.owner,
  contact: scene.contact,
  inUse: scene.inUse,
})

/** That another secret is wanted ends nothing. */
function actionOf({ of }: Scene, reason: Announcement['reason'], threshold: number): AuditAction | null {
  if (reason === 'rotation_due') return null
  if (of.view) return threshold > 0 ? 'key.expiring' : 'key.expired'
  return threshold > 0 ? 'tracked_credential.expiring' : 'tracked_credential.expired'
}

/** One for each who is to hear of it; where there is nobody, one that says so. */
export async function remindersFor(
  tx: Tx,
  organization: Organization,
  facts: readonly { readonly scene: Scene; readonly told: Told; readonly quiet: boolean }[],
  now: Instant,
): Promise<Reminder[]> {
  const audience = await readAudience(
    tx,
    organization,
    facts.flatMap(({ told }) => [told.owner, told.contact]),
  )
  const heard = facts.map((one) => ({ ...one, recipients: recipientsOf(one.told, audience) }))
  const zoneOf = await readTimeZones(
    tx,
    organization,
    heard.flatMap(({ recipients }) => recipients),
  )
  const mornings = new Map<string, Instant>()
  const morningOf = (recipient: string): Instant => {
    const zone = zoneOf(recipient)
    const morning = mornings.get(zone) ?? nextMorning(zone, now)
    mornings.set(zone, morning)
    return morning
  }
  return heard.flatMap(({ scene, told, quiet, recipients }) => {
    const base = {
      organizationId: organization.id,
      projectId: scene.projectId,
      keyId: scene.of.view?.key.id ?? null,
      subjectId: scene.subjectId,
      reason: told.reason,
      endsAt: told.endsAt,
      threshold: told.threshold,
      channel: 'email' as const,
      mailId: null,
      sentAt: null,
      createdAt: now,
    }
    if (recipients.length === 0) {
      const nobody = { recipient: '', state: 'failed' as const, urgent: false, failure: nobodyToTell, sendAt: now }
      return [{ ...base, ...nobody, id: newId('reminder', now) }]
    }
    return recipients.map((recipient): Reminder => {
      const morning = morningOf(recipient)
      const urgent = isUrgent(told, morning, now)
      const state = quiet ? 'quieted' : 'planned'
      const sendAt = urgent ? now : morning
      return { ...base, id: newId('reminder', now), recipient, state, urgent, failure: null, sendAt }
    })
  })
}
