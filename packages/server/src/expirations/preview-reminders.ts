import type { Instant } from '../kernel/instant.ts'
import { findKeyInReach } from '../keys/find-key.ts'
import { isLive } from '../keys/secret.ts'
import { type KeyView, viewKey } from '../keys/view-keys.ts'
import type { ActionLinks } from '../notifications/action-links.ts'
import { settingsUrlFor } from '../notifications/console-links.ts'
import type { RenderedMail } from '../notifications/mail-layout.ts'
import { reminderMail } from '../notifications/reminder-mail.ts'
import { nameOrganizations } from '../organizations/find.ts'
import type { Call } from '../people/call.ts'
import { readAudience, readTimeZones } from './audience.ts'
import { itemOf } from './digest.ts'
import { readItemContext } from './item-context.ts'
import { nextMorning } from './morning.ts'
import { listWaiting } from './reminder-list-store.ts'
import { type AnnouncedReason, type ComingReminder, comingReminders } from './reminder-rules.ts'
import { isUrgent, recipientsOf } from './reminder-sending.ts'
import { type Scene, sceneOfSecret } from './scene.ts'

export interface ComingOfSecret extends ComingReminder {
  readonly secretId: string
  readonly endsAt: Instant
}

/** What is still to be told of a key, if nothing changes, soonest first. */
export function comingOfKey(view: KeyView): ComingOfSecret[] {
  return scenesOf(view)
    .flatMap(({ subjectId, announcements }) =>
      announcements.flatMap((announcement) =>
        comingReminders([announcement], view.now).map((coming) => ({
          ...coming,
          secretId: subjectId,
          endsAt: announcement.endsAt,
        })),
      ),
    )
    .toSorted((a, b) => a.at - b.at || a.threshold - b.threshold || (a.secretId < b.secretId ? -1 : 1))
}

const scenesOf = (view: KeyView): Scene[] =>
  view.secrets
    .filter((secret) => isLive(secret, view.now))
    .map(({ id }) => sceneOfSecret(view, id))
    .filter((scene) => scene !== null)

export interface PreviewedMail extends RenderedMail {
  readonly secretId: string
  readonly reason: AnnouncedReason
  readonly threshold: number
  readonly endsAt: Instant
  /** Empty: there is nobody to tell. */
  readonly recipients: readonly { readonly address: string; readonly sendAt: Instant }[]
}

export interface ReminderPreview {
  /** Null: nothing is to come. */
  readonly next: PreviewedMail | null
  readonly coming: readonly ComingOfSecret[]
}

/**
 * The next mail about a key, as its first recipient would get it, and all that is to come after it. Its links lead nowhere: whoever looks at
 * it is not whom they are for.
 *
 * @throws DomainError insufficient_scope, key_not_found
 */
export async function previewReminders(call: Call, keyId: string, publicUrl: string): Promise<ReminderPreview> {
  const key = await findKeyInReach(call, keyId, 'keys:read')
  const now = await call.now(call.reader)
  const view = await viewKey(call.reader, key, now)
  const coming = comingOfKey(view)
  const waiting = await findWaiting(call, view)
  const next = waiting ?? coming[0]
  const scene = next && sceneOfSecret(view, next.secretId)
  return { next: next && scene ? await preview(call, view, scene, next, publicUrl) : null, coming }
}

/** What is found out already, and waits for its hour. */
async function findWaiting({ reader }: Call, view: KeyView): Promise<ComingOfSecret | null> {
  const scenes = scenesOf(view)
  const ids = scenes.map(({ subjectId }) => subjectId)
  const [first] = ids.length === 0 ? [] : await listWaiting(reader, view.key.organizationId, ids)
  if (!first || first.reason === 'used_after_end') return null
  const { reason, threshold, subjectId, endsAt, createdAt } = first
  const holds = scenes.some(({ announcements }) =>
    announcements.some((one) => one.reason === reason && one.endsAt === endsAt),
  )
  return holds ? { at: createdAt, reason, threshold, secretId: subjectId, endsAt } : null
}

async function preview(
  call: Call,
  { key }: KeyView,
  scene: Scene,
  { at, reason, threshold, endsAt, secretId }: ComingOfSecret,
  publicUrl: string,
): Promise<PreviewedMail> {
  const { reader } = call
  const organization = (await nameOrganizations(reader, [key.organizationId])).get(key.organizationId)
  if (!organization) throw new Error('a key is there, but its organization is not')
  const { owner, contact, inUse } = scene
  const told = { reason, threshold, endsAt, owner, contact, inUse }
  const audience = await readAudience(reader, organization, [owner, contact])
  const addresses = recipientsOf(told, audience)
  const zoneOf = await readTimeZones(reader, organization, addresses)
  const recipients = addresses.map((address) => {
    const morning = nextMorning(zoneOf(address), at)
    return { address, sendAt: isUrgent(told, morning, at) ? at : morning }
  })
  const first = recipients[0] ?? { address: '', sendAt: nextMorning(organization.timeZone, at) }
  const context = {
    ...(await readItemContext(reader, organization.id, [scene])),
    linksOf: () => emptyLinks(publicUrl),
  }
  const reminder = { keyId: key.id, subjectId: secretId, endsAt, recipient: first.address, reason, threshold }
  const mail = reminderMail({
    organizationName: organization.name,
    recipient: first.address,
    timeZone: zoneOf(first.address),
    now: first.sendAt,
    items: [itemOf(reminder, scene, context, first.sendAt)],
    settingsUrl: settingsUrlFor(publicUrl, organization, audience, first.address),
  })
  return { ...mail, secretId, reason, threshold, endsAt, recipients }
}

function emptyLinks(publicUrl: string): ActionLinks {
  const page = `${publicUrl}/reminders/preview`
  return { extend: `${page}/extend`, rotate: `${page}/rotate`, lapse: `${page}/lapse` }
}
