import type { ReminderReason } from '@keyturn/contract'
import { type Instant, seconds } from '../kernel/instant.ts'
import { type MasterKey, open, seal } from '../kernel/master-key.ts'
import { SecretValue } from '../kernel/secret-value.ts'

/** What the links of one reminder are about, and for whom they were made. */
export interface LinkSubject {
  readonly organizationId: string
  /** Null: a tracked credential. */
  readonly keyId: string | null
  /** The secret (`sec_…`) or the tracked credential (`trc_…`). */
  readonly subjectId: string
  readonly reason: ReminderReason
  /** The date that the reminder is about. */
  readonly endsAt: Instant
  readonly recipient: string
  /** When the links work no more. */
  readonly expiresAt: Instant
}

/** Where each way out begins: a page with a button. Opening it changes nothing. */
export interface ActionLinks {
  readonly extend: string
  readonly rotate: string
  readonly lapse: string
}

/** What somebody may want to become of a key that ends. */
export const wishes = ['extend', 'rotate', 'lapse'] as const
export type Wish = (typeof wishes)[number]

const daysAfterEnd = 30

/** Links outlive the end by a month, so that whoever finds out late still gets somewhere. What is announced after it counts from then. */
export const expiryOfLinks = (endsAt: Instant, now: Instant): Instant =>
  Math.max(endsAt, now) + seconds(daysAfterEnd * 86_400)

export const actionPath = '/reminders/:token'

/**
 * The links of one reminder for one reader. The token in them is what they are about, sealed (AES-256-GCM) under a key derived from the
 * master key: it opens here alone, an altered one does not open, and the path says nothing of anybody's address. No row is kept of it.
 */
export function actionLinks(masterKey: MasterKey, publicUrl: string, about: LinkSubject): ActionLinks {
  const page = `${publicUrl}/reminders/${sealToken(masterKey, about).reveal()}`
  return { extend: `${page}/extend`, rotate: `${page}/rotate`, lapse: `${page}/lapse` }
}

function sealToken(masterKey: MasterKey, about: LinkSubject): SecretValue {
  const { organizationId, keyId, subjectId, reason, endsAt, recipient, expiresAt } = about
  const content = JSON.stringify([organizationId, keyId, subjectId, reason, endsAt, recipient, expiresAt])
  return new SecretValue(seal(masterKey.actionLinkKey(), content).toString('base64url'))
}

/** What a link is about; null for one that was not made here, was altered, or whose time is over: nobody is told which. */
export function openActionLink(masterKey: MasterKey, token: SecretValue, now: Instant): LinkSubject | null {
  const sealed = token.reveal()
  if (!/^[\w-]{40,2000}$/.test(sealed)) return null
  try {
    const content: unknown = JSON.parse(open(masterKey.actionLinkKey(), Buffer.from(sealed, 'base64url')))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody but `sealToken` has the key
    const [organizationId, keyId, subjectId, reason, endsAt, recipient, expiresAt] = content as Sealed
    if (expiresAt <= now) return null
    return { organizationId, keyId, subjectId, reason, endsAt, recipient, expiresAt }
  } catch {
    return null
  }
}

type Sealed = [string, string | null, string, ReminderReason, Instant, string, Instant]
