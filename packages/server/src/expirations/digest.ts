import { sha256 } from '../kernel/digest.ts'
import type { Instant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { type ActionLinks, actionLinks, expiryOfLinks } from '../notifications/action-links.ts'
import { messageDomain } from '../notifications/message-id.ts'
import type { ReminderItem } from '../notifications/reminder-item.ts'
import { markOf, type Reminder } from './reminder.ts'
import { momentOf } from './reminder-rules.ts'
import type { Scene } from './scene.ts'

/** Is what it says still so? Not if its date has moved, or what it is about has ended for another reason. */
export function stillHolds({ reason, endsAt }: Reminder, scene: Scene | undefined, now: Instant): boolean {
  if (!scene) return false
  if (reason === 'used_after_end') return scene.endsAt === endsAt
  // The end of an overlap that is past is nobody's to prepare for.
  if (reason === 'overlap_end' && endsAt <= now) return false
  return scene.announcements.some((one) => one.reason === reason && one.endsAt === endsAt)
}

/**
 * What goes into a mail, and what does not any more: what no longer holds, and, of one date, all but the nearest threshold.
 *
 * @param reminders to one recipient
 */
export function sortOut(
  reminders: readonly Reminder[],
  scenes: ReadonlyMap<string, Scene>,
  now: Instant,
): { readonly told: Reminder[]; readonly obsolete: Reminder[] } {
  const holding = reminders.filter((one) => stillHolds(one, scenes.get(one.subjectId), now))
  const dateOf = ({ subjectId, reason, endsAt }: Reminder) => `${subjectId} ${reason} ${endsAt}`
  const nearest = new Map<string, Reminder>()
  for (const one of holding) {
    const other = nearest.get(dateOf(one))
    if (!other || one.threshold < other.threshold) nearest.set(dateOf(one), one)
  }
  const told = holding.filter((one) => nearest.get(dateOf(one)) === one)
  return { told, obsolete: reminders.filter((one) => !told.includes(one)) }
}

/** The same for the same reminders, however often and by whomever it is made: a repeat of a mail is known by it (RFC 5322 §3.6.4). */
export function messageIdOf(reminders: readonly Reminder[], publicUrl: string): string {
  const digest = sha256(reminders.map(markOf).toSorted().join('\n')).toString('hex')
  return `<${digest}@${messageDomain(publicUrl)}>`
}

export interface ItemContext {
  readonly projectNames: ReadonlyMap<string, string>
  readonly linksOf: (reminder: Pick<Reminder, 'keyId' | 'subjectId' | 'reason' | 'endsAt' | 'recipient'>) => ActionLinks
  readonly addresses: ReadonlyMap<string, { readonly address: string | null; readonly userAgent: string | null }>
}

/** As a mail shows it. */
export function itemOf(
  reminder: Pick<Reminder, 'keyId' | 'subjectId' | 'endsAt' | 'recipient' | 'reason' | 'threshold'>,
  scene: Scene,
  { projectNames, linksOf, addresses }: ItemContext,
  now: Instant,
): ReminderItem {
  const { reason, endsAt } = reminder
  const { view, secret, credential } = scene.of
  const lastCall = reason === 'used_after_end' ? (secret?.lastRefused?.at ?? null) : scene.lastUsedAt
  return {
    reason,
    // A mail that comes late says what is so when it comes.
    threshold: reason === 'expiry' && now >= momentOf(endsAt, 0) ? 0 : reminder.threshold,
    keyName: view ? view.key.name : credential.name,
    keyId: reminder.keyId ?? reminder.subjectId,
    hint: secret?.hint ?? null,
    kind: view?.key.kind ?? 'tracked',
    environment: view?.key.environment ?? null,
    projectName: scene.projectId === null ? null : (projectNames.get(scene.projectId) ?? null),
    owner: scene.owner,
    contact: scene.contact,
    endsAt,
    inUse: scene.inUse,
    lastUsedAt: lastCall,
    lastAddress: addresses.get(scene.subjectId)?.address ?? null,
    lastUserAgent: addresses.get(scene.subjectId)?.userAgent ?? null,
    links: linksOf(reminder),
    tracked: credential !== null,
    issuer: credential?.issuer ?? null,
  }
}

/** The links of one reader. */
export const linksFor =
  (masterKey: MasterKey, publicUrl: string, organizationId: string, now: Instant): ItemContext['linksOf'] =>
  ({ keyId, subjectId, reason, endsAt, recipient }) =>
    actionLinks(masterKey, publicUrl, {
      organizationId,
      keyId,
      subjectId,
      reason,
      endsAt,
      recipient,
      expiresAt: expiryOfLinks(endsAt, now),
    })
