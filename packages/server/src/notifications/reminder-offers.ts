import type { ErrorCode, Slot } from '@keyturn/contract'
import { secretRotationDueAt } from '../expirations/expiration.ts'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, type Instant, never, seconds } from '../kernel/instant.ts'
import { endOf } from '../keys/secret.ts'
import { normalise } from '../keys/slots.ts'
import { planExtension } from '../rotation/extend-key.ts'
import { planRotation } from '../rotation/rules.ts'
import type { Wish } from './action-links.ts'
import type { OpenedReminder } from './open-reminder.ts'

/** How what a link is about stands now. */
export type ReminderStanding =
  /** As the mail said, and still to come. */
  | 'coming'
  /** Something happens at another date by now, as after an extension. */
  | 'moved'
  /** It has ended, or has come. */
  | 'over'
  /** By somebody who revoked the key. */
  | 'revoked'

/** What may be done, by whoever may. */
export interface Offers {
  readonly standing: ReminderStanding
  /** When it ends, or is due, as things are now. */
  readonly endsAt: Instant
  /** The later end that the rules allow. */
  readonly extend: { readonly until: Instant; readonly slot: Slot } | null
  /** Until when the old secret would go on, null where none lives, and when the new one would end. */
  readonly rotate: { readonly oldUntil: Instant | null; readonly newUntil: Instant } | null
  /** Why there is none of them, where a rule says so. */
  readonly hindrance: ErrorCode | null
  /** What administrators can be asked for. */
  readonly wishes: readonly Wish[]
  /** Is there anything left to be reminded of? */
  readonly canAcknowledge: boolean
}

/** Pure. The rules are those of the operations themselves: what is offered is what they would do. */
export function offersOf(opened: OpenedReminder): Offers {
  const { about, of, now } = opened
  if (of.view === null) {
    const endsAt = of.credential.expiresAt
    const standing = endsAt !== about.endsAt ? 'moved' : endsAt > now ? 'coming' : 'over'
    const isOpen = standing !== 'moved'
    const wishes: Wish[] = isOpen ? ['rotate', 'lapse'] : []
    return { ...nothing, standing, endsAt, wishes, canAcknowledge: standing === 'coming' }
  }
  const { view, secret } = of
  const endsAt =
    about.reason === 'rotation_due' ? (secretRotationDueAt(secret, view.policy, now) ?? endOf(secret)) : endOf(secret)
  const standing = view.key.state === 'revoked' ? 'revoked' : standingOf(endsAt, about.endsAt, now)
  if (standing === 'revoked' || standing === 'moved') return { ...nothing, standing, endsAt }
  // In an overlap there is a new secret already.
  const rotate = attempt(() => (about.reason === 'overlap_end' ? null : offeredRotation(opened)))
  const extend = attempt(() => (about.reason === 'rotation_due' ? null : offeredExtension(opened)))
  const wishes: Wish[] = [
    ...(rotate.value ? ['rotate' as const] : []),
    ...(extend.value ? ['extend' as const] : []),
    ...(standing === 'coming' && about.reason !== 'rotation_due' ? ['lapse' as const] : []),
  ]
  return {
    standing,
    endsAt,
    rotate: rotate.value,
    extend: extend.value,
    hindrance: rotate.code ?? extend.code,
    wishes,
    canAcknowledge: standing === 'coming',
  }
}

const nothing = { extend: null, rotate: null, hindrance: null, wishes: [], canAcknowledge: false } as const

function standingOf(endsAt: Instant, announced: Instant, now: Instant): ReminderStanding {
  if (endsAt <= now) return 'over'
  return endsAt === announced ? 'coming' : 'moved'
}

function offeredRotation(opened: OpenedReminder): Offers['rotate'] {
  const scene = sceneOf(opened)
  if (!scene) return null
  const { changed, issue } = planRotation(scene, {})
  const [old] = changed
  return issue && { oldUntil: old === undefined || old.endedAt !== null ? null : endOf(old), newUntil: issue.expiresAt }
}

/** By the default lifetime of the rules, or, of an overlap, by their default overlap; no further than they allow. */
function offeredExtension(opened: OpenedReminder): Offers['extend'] {
  const scene = sceneOf(opened)
  const { secret } = opened.of
  if (!scene || !secret || scene.key.kind === 'jwt') return null
  const { slots, policy } = scene
  const end = endOf(secret)
  if (slots.state === 'none' || end === never || end <= scene.now) return null
  const isSecondary = slots.state !== 'one' && slots.secondary.id === secret.id
  const isRetiring = isSecondary && slots.state === 'retiring'
  const latest = isRetiring
    ? Math.min((secret.overlapStartedAt ?? secret.createdAt) + seconds(policy.max_overlap), secret.expiresAt)
    : policy.max_lifetime === null
      ? never
      : secret.createdAt + seconds(policy.max_lifetime)
  const by = isRetiring ? policy.default_overlap : policy.default_lifetime
  const until = Math.min(end + seconds(by), latest)
  if (until <= end) throw new DomainError(isRetiring ? 'overlap_too_long' : 'max_lifetime_exceeded')
  const slot = isSecondary ? 'secondary' : 'primary'
  return planExtension(scene, { expires_at: formatTime(until), slot }) && { until, slot }
}

function sceneOf({ of: { view } }: OpenedReminder) {
  return view && { key: view.key, slots: normalise(view.secrets, view.now), policy: view.policy, now: view.now }
}

function attempt<T>(plan: () => T | null): { value: T | null; code: ErrorCode | null } {
  try {
    return { value: plan(), code: null }
  } catch (error) {
    if (error instanceof DomainError) return { value: null, code: error.code }
    throw error
  }
}
