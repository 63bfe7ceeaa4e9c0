import { formatTime, type Instant, never } from '../kernel/instant.ts'
import { endOf } from '../keys/secret.ts'
import type { KeyView } from '../keys/view-keys.ts'
import type { CalendarEvent } from './calendar.ts'
import { type Expiration, expirationStatusAt, idOfRotation, isInUse } from './expiration.ts'
import { lastThresholds } from './thresholds.ts'
import type { TrackedCredential } from './tracked-credential.ts'

/** Ids are unique over all installations, and stay when one moves to another address. */
const uidOf = (id: string): string => `${id}@keyturn`

/** Null: it never comes. @param revision goes up whenever anything about it changes */
export function eventOf(expiration: Expiration, revision: number, now: Instant): CalendarEvent | null {
  const { at, of } = expiration
  if (at === never) return null
  const begin = of.credential === null ? of.secret.createdAt : of.credential.renewedAt
  const thresholds = of.credential === null ? of.view.policy.reminder_thresholds : credentialThresholds
  return {
    uid: uidOf(expiration.id),
    sequence: revision,
    changedAt: of.credential === null ? of.view.key.lastAction.at : of.credential.renewedAt,
    at,
    cancelled: false,
    summary: `${titles[expiration.type]}: ${of.credential === null ? of.view.key.name : of.credential.name}`,
    description: describe(expiration, now),
    alarms: lastThresholds(thresholds, begin, at),
  }
}

const day = 86_400
const credentialThresholds = [7 * day, day]

const titles = { expiry: 'Expires', overlap_end: 'Old secret ends', rotation_due: 'Rotation due' } as const
const advice = {
  expiry: 'Rotate the key before then (it overlaps, so that nothing breaks), extend it, or let it lapse.',
  overlap_end: 'The key was rotated. Whoever still calls with the old secret has to change to the new one before then.',
  rotation_due: 'The policy wants a new secret by then. Nothing ends by itself.',
} as const

// The end of a token is in it.
const adviceOnToken = {
  ...advice,
  expiry: 'Rotate the key before then (it overlaps, so that nothing breaks), or let it lapse.',
} as const

function describe(expiration: Expiration, now: Instant): string {
  const { of, type } = expiration
  if (of.credential !== null) return describeCredential(of.credential)
  const { view, secret } = of
  const inUse = isInUse(expiration, now)
  return [
    `Key ${view.key.id}, secret ${secret.hint}`,
    ...who(view.key),
    inUse === true ? `In use: last called ${formatTime(secret.lastUsedAt ?? now)}` : 'Not called in the last 30 days',
    ...(view.key.state === 'disabled' ? ['The key is disabled.'] : []),
    ...(expirationStatusAt(expiration, now) === 'overdue' ? ['Overdue.'] : []),
    ...(expiration.ended ? ['It has ended.'] : [view.key.kind === 'jwt' ? adviceOnToken[type] : advice[type]]),
  ].join('\n')
}

const describeCredential = (credential: TrackedCredential): string =>
  [
    `Tracked credential ${credential.id}`,
    ...(credential.issuer === null ? [] : [`Issued by: ${credential.issuer}`]),
    ...who(credential),
    'Renew it where it was issued, and record its new expiry.',
  ].join('\n')

const who = ({ owner, contact }: { owner: string | null; contact: string | null }): string[] => [
  ...(owner === null ? [] : [`Owner: ${owner}`]),
  ...(contact === null ? [] : [`Contact: ${contact}`]),
]

/** What was announced and does not come any more. */
export interface Withdrawn {
  readonly id: string
  /** Of a key that was deleted nobody is told the name. */
  readonly name: string | null
  readonly at: Instant
  readonly withdrawnAt: Instant
  readonly revision: number
}

export function cancelledEventOf({ id, name, at, withdrawnAt, revision }: Withdrawn): CalendarEvent {
  return {
    uid: uidOf(id),
    sequence: revision,
    changedAt: withdrawnAt,
    at,
    cancelled: true,
    summary: `Cancelled: ${name ?? 'a key that was deleted'}`,
    description: `This comes no more since ${formatTime(withdrawnAt)}: what it was about was revoked, replaced or deleted.`,
    alarms: [],
  }
}

/** The old secret of a rotation is not to be rotated any more. */
export function replacedRotations(view: KeyView, everySeconds: number | null, revision: number): Withdrawn[] {
  if (everySeconds === null) return []
  return view.secrets
    .filter(({ retiresAt, endedAt, expiresAt }) => retiresAt !== null && endedAt === null && retiresAt <= expiresAt)
    .filter((secret) => endOf(secret) > view.now)
    .map(({ id, createdAt, overlapStartedAt }) => ({
      id: idOfRotation(id),
      name: view.key.name,
      at: createdAt + 1000 * everySeconds,
      withdrawnAt: overlapStartedAt ?? view.key.lastAction.at,
      revision,
    }))
}
