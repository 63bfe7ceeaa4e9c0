import type { AuditEvent } from '@keyturn/contract'
import { followEvents } from '../audit/follow-events.ts'
import { readAudience, readTimeZones } from '../expirations/audience.ts'
import { sha256 } from '../kernel/digest.ts'
import { newId } from '../kernel/ids.ts'
import { viewKeysById } from '../keys/view-keys.ts'
import { nameOrganizations, nameProjects } from '../organizations/find.ts'
import type { Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { settingsUrlFor } from './console-links.ts'
import { type KeptNotice, noticeActions, noticeKindOf, noticeOf, toNotice } from './key-notice.ts'
import { messageDomain } from './message-id.ts'
import { noticeMail } from './notice-mail.ts'
import { insertNotices, listWaitingFor, takeNotices } from './notice-store.ts'
import { enqueueMail } from './outbox.ts'

// Who makes twenty keys makes one mail.
const companyMs = 5 * 60_000
const atOnce = 100
const mostInMail = 1_000

/** Tells owners and administrators what was done to keys: by the audit trail, once, in one mail for what happens together. */
export async function sendNotices(ground: Ground, publicUrl: string): Promise<void> {
  await followEvents(ground, 'notices', noticeActions, (tx, organizationId, events) =>
    keep(tx, ground, organizationId, events),
  )
  for (;;) {
    const now = await ground.now(ground.reader)
    const waiting = await listWaitingFor(ground.reader, now - companyMs, atOnce)
    let taken = 0
    for (const { organizationId, recipient } of waiting)
      taken += await ground.change((tx) => mail(tx, ground, publicUrl, organizationId, recipient))
    // What is left is another node's.
    if (taken === 0) return
  }
}

async function keep(tx: Tx, ground: Ground, organizationId: string, events: readonly AuditEvent[]): Promise<void> {
  const told = events.flatMap((event) => {
    const kind = noticeKindOf(event)
    return kind === null ? [] : [{ event, kind }]
  })
  const organization = (await nameOrganizations(tx, [organizationId])).get(organizationId)
  if (told.length === 0 || !organization) return
  const now = await ground.now(tx)
  const keyIds = [...new Set(told.map(({ event }) => event.target.id))]
  const views = await viewKeysById(tx, organizationId, keyIds, now)
  const owners = [...views.values()].map(({ key }) => key.owner)
  const projectIds = [...new Set(told.flatMap(({ event }) => (event.project_id === null ? [] : [event.project_id])))]
  const names = await nameProjects(tx, organizationId, projectIds)
  const { administrators, gone, notificationEmail } = await readAudience(tx, organization, owners)
  const notices = told.flatMap(({ event, kind }) => {
    const key = views.get(event.target.id)?.key
    const body = JSON.stringify(noticeOf(event, kind, key, names.get(event.project_id ?? '') ?? null))
    const owner = key?.owner && !gone.has(key.owner) ? [key.owner] : []
    const named = [...new Set([...owner, ...administrators])]
    const recipients = named.length > 0 ? named : [notificationEmail].filter((address) => address !== null)
    return recipients.map((recipient) => ({
      id: newId('notice', now),
      recipient,
      eventSequence: event.sequence,
      body,
    }))
  })
  await insertNotices(tx, organizationId, notices, now)
}

async function mail(
  tx: Tx,
  ground: Ground,
  publicUrl: string,
  organizationId: string,
  recipient: string,
): Promise<number> {
  const stored = await takeNotices(tx, organizationId, recipient, mostInMail)
  const organization = (await nameOrganizations(tx, [organizationId])).get(organizationId)
  if (stored.length === 0 || !organization) return 0
  const now = await ground.now(tx)
  const zoneOf = await readTimeZones(tx, organization, [recipient])
  const rendered = noticeMail({
    organizationName: organization.name,
    recipient,
    timeZone: zoneOf(recipient),
    now,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the text that was made from one
    notices: stored.map(({ body }) => toNotice(JSON.parse(body) as KeptNotice)),
    settingsUrl: settingsUrlFor(publicUrl, organization, await readAudience(tx, organization, []), recipient),
  })
  const mark = JSON.stringify(['notices', organizationId, recipient, ...stored.map((one) => one.eventSequence)])
  const messageId = `<${sha256(mark).toString('hex')}@${messageDomain(publicUrl)}>`
  await enqueueMail(tx, organizationId, { ...rendered, recipient, messageId, about: 'notices' }, now)
  return stored.length
}
