import type { Instant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { settingsUrlFor } from '../notifications/console-links.ts'
import type { MailRecord } from '../notifications/mail.ts'
import { enqueueMail } from '../notifications/outbox.ts'
import { reminderMail } from '../notifications/reminder-mail.ts'
import { nameOrganizations } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Ground } from '../people/call.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { readAudience, readTimeZones } from './audience.ts'
import { itemOf, linksFor, messageIdOf, sortOut, stillHolds } from './digest.ts'
import {
  type DueDigest,
  listDueDigests,
  listRemindersOfMail,
  lockDueReminders,
  putIntoMail,
  setStates,
} from './digest-store.ts'
import { readItemContext } from './item-context.ts'
import { readScenes } from './read-scenes.ts'
import type { Reminder } from './reminder.ts'
import { tryLock } from './reminder-store.ts'
import type { Scene } from './scene.ts'

export interface DigestParts {
  readonly masterKey: MasterKey
  /** Where others reach this installation, without a slash at the end. */
  readonly publicUrl: string
}

const atOnce = 100
// What is more goes into a mail of its own.
const mostInMail = 2_000

/**
 * Makes a mail for each who is to be told something by now, and puts it into the outbox. What is said in it is asked anew: a key that
 * was extended, rotated or revoked since is not in it. Any number of nodes may do it at once; a recipient gets one mail.
 */
export async function sendDigests(ground: Ground, parts: DigestParts): Promise<void> {
  for (;;) {
    const due = await listDueDigests(ground.reader, await ground.now(ground.reader), atOnce)
    let settled = 0
    for (const digest of due) settled += await ground.change((tx) => sendOne(tx, ground, parts, digest))
    // What is left is another node's.
    if (settled === 0) return
  }
}

/** @returns how many reminders were seen to */
async function sendOne(tx: Tx, ground: Ground, parts: DigestParts, digest: DueDigest): Promise<number> {
  const { organizationId, recipient } = digest
  if (!(await tryLock(tx, `digest ${organizationId} ${recipient}`))) return 0
  const now = await ground.now(tx)
  const reminders = await lockDueReminders(tx, digest, mostInMail, now)
  const organization = (await nameOrganizations(tx, [organizationId])).get(organizationId)
  if (reminders.length === 0 || !organization) return 0
  const scenes = await readScenes(tx, organization, subjectsOf(reminders), now)
  const { told, obsolete } = sortOut(reminders, scenes, now)
  await setStates(
    tx,
    organizationId,
    obsolete.map(({ id }) => id),
    'obsolete',
  )
  if (told.length > 0) {
    const rendered = await render(tx, organization, parts, told, scenes, now)
    const messageId = messageIdOf(told, parts.publicUrl)
    const mailId = await enqueueMail(tx, organizationId, { ...rendered, recipient, messageId, about: 'reminders' }, now)
    await putIntoMail(
      tx,
      organizationId,
      told.map(({ id }) => id),
      mailId,
    )
  }
  return reminders.length
}

const subjectsOf = (reminders: readonly Reminder[]) => [...new Set(reminders.map(({ subjectId }) => subjectId))]

async function render(
  tx: Tx,
  organization: Organization,
  { masterKey, publicUrl }: DigestParts,
  told: readonly Reminder[],
  scenes: ReadonlyMap<string, Scene>,
  now: Instant,
) {
  const recipient = told[0]?.recipient ?? ''
  const zoneOf = await readTimeZones(tx, organization, [recipient])
  const context = {
    ...(await readItemContext(tx, organization.id, [...scenes.values()])),
    linksOf: linksFor(masterKey, publicUrl, organization.id, now),
  }
  const items = told.flatMap((reminder) => {
    const scene = scenes.get(reminder.subjectId)
    return scene ? [itemOf(reminder, scene, context, now)] : []
  })
  const settingsUrl = settingsUrlFor(publicUrl, organization, await readAudience(tx, organization, []), recipient)
  return reminderMail({
    organizationName: organization.name,
    recipient,
    timeZone: zoneOf(recipient),
    now,
    items,
    settingsUrl,
  })
}

/** Does anything that a mail says still hold? What is not about reminders always does. */
export async function mailStillHolds(ground: Ground, mail: MailRecord): Promise<boolean> {
  if (mail.about !== 'reminders') return true
  const { reader } = ground
  const now = await ground.now(reader)
  const reminders = await listRemindersOfMail(reader, mail.organizationId, mail.id)
  const organization = (await nameOrganizations(reader, [mail.organizationId])).get(mail.organizationId)
  if (!organization) return false
  const scenes = await readScenesOf(reader, organization, reminders, now)
  return reminders.some((one) => stillHolds(one, scenes.get(one.subjectId), now))
}

const readScenesOf = (reader: Reader, organization: Organization, reminders: readonly Reminder[], now: Instant) =>
  readScenes(reader, organization, subjectsOf(reminders), now)
