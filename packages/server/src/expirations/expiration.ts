import type { ExpirationKind, ExpirationStatus, ExpirationType } from '@keyturn/contract'
import { type Instant, never, seconds } from '../kernel/instant.ts'
import type { SecretRecord } from '../keys/key.ts'
import { endOf, isLive } from '../keys/secret.ts'
import { normalise } from '../keys/slots.ts'
import type { KeyView, SecretWithUse } from '../keys/view-keys.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import type { ExpirationPlace } from './expiration-place.ts'
import type { TrackedCredential } from './tracked-credential.ts'

/**
 * Something that happens to a credential at a time: it ends, its overlap ends, or the policy wants another one. A secret has one end,
 * whichever comes first, and keeps the id of that event when it becomes another one, as when it begins to retire.
 */
export interface Expiration {
  readonly id: string
  readonly type: ExpirationType
  /** Infinity: never. */
  readonly at: Instant
  /** Of a key or credential as a whole. What is to be rotated never has. */
  readonly ended: boolean
  readonly of:
    | { readonly view: KeyView; readonly secret: SecretWithUse; readonly credential: null }
    | { readonly view: null; readonly secret: null; readonly credential: TrackedCredential }
}

const inUseMs = 30 * 86_400_000

/** Called in the last 30 days, so that monthly jobs count. Null where nobody can know. */
export function isInUse({ of }: Pick<Expiration, 'of'>, now: Instant): boolean | null {
  return of.secret === null ? null : of.secret.lastUsedAt !== null && of.secret.lastUsedAt >= now - inUseMs
}

export const inUseSince = (now: Instant): Instant => now - inUseMs

export function expirationStatusAt({ at, ended }: Pick<Expiration, 'at' | 'ended'>, now: Instant): ExpirationStatus {
  if (ended) return 'ended'
  if (at === never) return 'never'
  return at > now ? 'upcoming' : 'overdue'
}

const subjectOf = ({ of }: Expiration): string => (of.view === null ? of.credential.id : of.view.key.id)

export const placeOf = (expiration: Expiration): ExpirationPlace => ({
  ended: expiration.ended,
  at: expiration.at,
  subject: subjectOf(expiration),
  id: expiration.id,
})

export const kindOf = ({ of }: Expiration): ExpirationKind => of.view?.key.kind ?? 'tracked'

/** All that comes to a key, or, where every secret of it has ended, what has ended last. Of a revoked key nothing. */
export function expirationsOfKey(view: KeyView): Expiration[] {
  const { key, secrets, now } = view
  if (key.state !== 'active' && key.state !== 'disabled') return []
  const live = secrets.filter((secret) => isLive(secret, now))
  const ending = live.length > 0 ? live : secrets.filter((secret) => endOf(secret) === key.lastEndAt)
  const due = rotationDue(view)
  return [...ending.map((secret) => endingOf(view, secret, live.length === 0)), ...(due ? [due] : [])]
}

export const idOfEnd = (secretId: string): string => `${secretId}.end`
export const idOfRotation = (secretId: string): string => `${secretId}.rotation`

function endingOf(view: KeyView, secret: SecretWithUse, ended: boolean): Expiration {
  const type = endOf(secret) < secret.expiresAt ? 'overlap_end' : 'expiry'
  return { id: idOfEnd(secret.id), type, at: endOf(secret), ended, of: { view, secret, credential: null } }
}

/** Of the primary alone: a secondary is on its way in or out. */
function rotationDue(view: KeyView): Expiration | null {
  const at = rotationDueAt(view)
  const slots = normalise(view.secrets, view.now)
  if (at === null || slots.state === 'none') return null
  const secret = view.secrets.find(({ id }) => id === slots.primary.id)
  if (!secret) return null
  return { id: idOfRotation(secret.id), type: 'rotation_due', at, ended: false, of: { view, secret, credential: null } }
}

/** When the policy wants the primary to be replaced, whether it ends or not. It enforces nothing. Null: it does not want that. */
export function rotationDueAt({ secrets, policy, now }: Pick<KeyView, 'secrets' | 'policy' | 'now'>): Instant | null {
  const slots = normalise(secrets, now)
  return slots.state === 'none' ? null : secretRotationDueAt(slots.primary, policy, now)
}

/** The same of any secret that lives. */
export function secretRotationDueAt(
  secret: SecretRecord,
  { rotate_every: every }: Pick<EffectivePolicy, 'rotate_every'>,
  now: Instant,
): Instant | null {
  return every === null || !isLive(secret, now) ? null : secret.createdAt + seconds(every)
}

export function expirationOfCredential(credential: TrackedCredential, now: Instant): Expiration {
  const { id, expiresAt } = credential
  return {
    id: idOfEnd(id),
    type: 'expiry',
    at: expiresAt,
    ended: expiresAt <= now,
    of: { view: null, secret: null, credential },
  }
}
