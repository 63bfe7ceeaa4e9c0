import { recordChange } from '../audit/record-change.ts'
import { sha256 } from '../kernel/digest.ts'
import type { Instant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { endOf } from '../keys/secret.ts'
import { addressesOfAdministrators } from '../people/administrators.ts'
import type { Call, Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { actionLinks, expiryOfLinks, type Wish } from './action-links.ts'
import { changeRequestMail } from './change-request-mail.ts'
import { noteRequest } from './change-request-store.ts'
import { callOfLink, type OpenedReminder } from './open-reminder.ts'
import { enqueueMail } from './outbox.ts'
import { offersOf } from './reminder-offers.ts'

// More than that nobody needs to wake for one key.
const mostAsked = 50

const dayMs = 86_400_000

/** `asked_before`: within the last 24 hours. `nobody_to_ask`: there is no administrator, nor an address of the organization. */
export type RequestOutcome = 'asked' | 'asked_before' | 'nobody_to_ask'

export interface ChangeRequest {
  readonly wish: Wish
  readonly note: string | null
}

/**
 * Asks the administrators on behalf of whoever holds the link of a reminder: a mail to each of them and an audit event, or neither. The
 * same wish of the same reader about the same secret once in 24 hours; nothing else changes by it.
 */
export async function requestChange(
  ground: Ground,
  { masterKey, publicUrl }: { readonly masterKey: MasterKey; readonly publicUrl: string },
  opened: OpenedReminder,
  request: ChangeRequest,
  origin: Pick<Call, 'requestId' | 'address'>,
): Promise<RequestOutcome> {
  const { about, organization } = opened
  const call = callOfLink(ground, about, origin)
  return call.change(async (tx) => {
    const found = await addressesOfAdministrators(tx, organization.id, mostAsked)
    const administrators =
      found.length > 0 || !organization.notificationEmail ? found : [organization.notificationEmail]
    if (administrators.length === 0) return 'nobody_to_ask'
    const now = await call.now(tx)
    const times = { now, forgottenUntil: now - dayMs }
    if (!(await noteRequest(tx, organization.id, about, request.wish, times))) return 'asked_before'
    for (const recipient of administrators) await mailTo(tx, recipient, opened, request, { masterKey, publicUrl }, now)
    const { of } = opened
    await recordChange(tx, call, now, {
      action: 'key.change_requested',
      organizationId: organization.id,
      projectId: opened.project?.id ?? null,
      target: of.view
        ? { type: 'key', id: of.view.key.id, name: of.view.key.name }
        : { type: 'tracked_credential', id: of.credential.id, name: of.credential.name },
      before: null,
      after: { wish: request.wish, note: request.note, subject: about.subjectId },
      affects: null,
    })
    return 'asked'
  })
}

async function mailTo(
  tx: Tx,
  recipient: string,
  opened: OpenedReminder,
  { wish, note }: ChangeRequest,
  { masterKey, publicUrl }: { readonly masterKey: MasterKey; readonly publicUrl: string },
  now: Instant,
): Promise<void> {
  const { about, organization, project, of } = opened
  const links = actionLinks(masterKey, publicUrl, { ...about, recipient, expiresAt: expiryOfLinks(about.endsAt, now) })
  const { name: keyName, id: keyId, owner } = of.view === null ? of.credential : of.view.key
  const mail = changeRequestMail({
    organizationName: organization.name,
    recipient,
    timeZone: organization.timeZone,
    now,
    wish,
    note,
    askedBy: about.recipient,
    keyName,
    keyId,
    owner,
    hint: of.secret?.hint ?? null,
    projectName: project?.name ?? null,
    endsAt: about.reason === 'rotation_due' ? about.endsAt : of.secret ? endOf(of.secret) : about.endsAt,
    tracked: of.view === null,
    lastUsedAt: of.secret?.lastUsedAt ?? null,
    possible: offersOf(opened).wishes,
    links,
  })
  const marks = [about.subjectId, about.recipient, wish, recipient, now].join('\n')
  const messageId = `<request.${sha256(marks).toString('hex').slice(0, 40)}@keyturn>`
  await enqueueMail(tx, organization.id, { recipient, ...mail, messageId, about: 'request' }, now)
}
