import { type Instant, never } from '../kernel/instant.ts'
import { endOf } from '../keys/secret.ts'
import type { KeyView, SecretWithUse } from '../keys/view-keys.ts'
import { inUseSince } from './expiration.ts'
import { type Announcement, announcementsOf, announcementsOfCredential, type ReminderPolicy } from './reminder-rules.ts'
import type { TrackedCredential } from './tracked-credential.ts'

/** A secret or a tracked credential, with all that decides what is told of it. */
export interface Scene {
  readonly subjectId: string
  readonly projectId: string | null
  readonly owner: string | null
  readonly contact: string | null
  readonly of:
    | { readonly view: KeyView; readonly secret: SecretWithUse; readonly credential: null }
    | { readonly view: null; readonly secret: null; readonly credential: TrackedCredential }
  readonly endsAt: Instant
  readonly announcements: readonly Announcement[]
  /** Of the other secrets of its key. */
  readonly otherEnds: readonly Instant[]
  readonly lastUsedAt: Instant | null
  /** Called in the last 30 days; null: nobody can know. */
  readonly inUse: boolean | null
}

/** Null: of a key that was revoked or deleted nothing is told. */
export function sceneOfSecret(view: KeyView, secretId: string): Scene | null {
  const { key, secrets, policy, now } = view
  const secret = secrets.find(({ id }) => id === secretId)
  if (!secret || (key.state !== 'active' && key.state !== 'disabled')) return null
  return {
    subjectId: secret.id,
    projectId: key.projectId,
    owner: key.owner,
    contact: key.contact,
    of: { view, secret, credential: null },
    endsAt: endOf(secret),
    announcements: announcementsOf(secret, secrets, policy, now),
    otherEnds: secrets.filter(({ id }) => id !== secretId).map(endOf),
    lastUsedAt: secret.lastUsedAt,
    inUse: secret.lastUsedAt !== null && secret.lastUsedAt >= inUseSince(now),
  }
}

export function sceneOfCredential(credential: TrackedCredential, policy: ReminderPolicy): Scene {
  return {
    subjectId: credential.id,
    projectId: credential.projectId,
    owner: credential.owner,
    contact: credential.contact,
    of: { view: null, secret: null, credential },
    endsAt: credential.expiresAt,
    announcements: announcementsOfCredential(credential, policy),
    otherEnds: [],
    lastUsedAt: null,
    inUse: null,
  }
}

/** How an audit event names what it is about. */
export function targetOf({ of, subjectId }: Scene) {
  return of.view
    ? ({ type: 'key', id: of.view.key.id, name: of.view.key.name } as const)
    : ({ type: 'tracked_credential', id: subjectId, name: of.credential.name } as const)
}

export const neverEnds = ({ endsAt }: Scene): boolean => endsAt === never
