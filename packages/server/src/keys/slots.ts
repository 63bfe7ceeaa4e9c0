import type { Slot } from '@keyturn/contract'
import { type Instant, never } from '../kernel/instant.ts'
import type { SecretRecord } from './key.ts'
import { endOf, isLive } from './secret.ts'

/**
 * The live secrets of a key, at most two.
 *
 *   none      no live secret
 *   one       a primary alone
 *   staged    a primary, and a secondary that waits to become the primary
 *   retiring  a newer primary, and a secondary whose overlap runs out
 */
export type Slots<S extends SecretRecord = SecretRecord> =
  | { readonly state: 'none' }
  | { readonly state: 'one'; readonly primary: S }
  | { readonly state: 'staged' | 'retiring'; readonly primary: S; readonly secondary: S }

/**
 * Who is in which slot at a time: ended secrets leave theirs, and a lone live one is the primary. No date changes. It comes
 * before every decision and operation, so that no job has to run for it.
 *
 * @param secrets all of a key, or those that were live when they were last looked at
 */
export function normalise<S extends SecretRecord>(secrets: readonly S[], now: Instant): Slots<S> {
  const [first, second, ...more] = secrets.filter((secret) => isLive(secret, now))
  if (first === undefined) return { state: 'none' }
  if (second === undefined) return { state: 'one', primary: { ...first, slot: 'primary' } }
  if (more.length > 0 || first.slot === second.slot) throw new Error('a key has more live secrets than slots')
  const [primary, secondary] = first.slot === 'primary' ? [first, second] : [second, first]
  return { state: secondary.retiresAt === null ? 'staged' : 'retiring', primary, secondary }
}

/**
 * From when on a secret of the secondary slot is the primary: from the end of the other one, where it outlives that. What `normalise`
 * says of a secret at a time, said beforehand; of one that has ended it stays what it was in its last moment.
 *
 * @param othersEnd the last end of the other secrets that were made before this one ended; null: there are none
 */
export function primaryFrom(slot: Slot, end: Instant, othersEnd: Instant | null): Instant {
  if (slot === 'primary') return never
  return othersEnd === null || othersEnd < end ? (othersEnd ?? -never) : never
}

/** When the secrets that a policy wants rotated were made. */
export interface RotationStart {
  readonly primaryMadeAt: Instant
  /** Of a secondary that outlives the primary, and takes its place when that ends; null: there is none. */
  readonly successorMadeAt: Instant | null
}

/** Null where no secret is live: nothing is to be rotated. */
export function rotationStart(secrets: readonly SecretRecord[], now: Instant): RotationStart | null {
  const slots = normalise(secrets, now)
  if (slots.state === 'none') return null
  const { primary } = slots
  const outlives = slots.state !== 'one' && endOf(slots.secondary) > endOf(primary)
  return { primaryMadeAt: primary.createdAt, successorMadeAt: outlives ? slots.secondary.createdAt : null }
}

/** @param all secrets of the key */
export function slotAt(secret: SecretRecord, all: readonly SecretRecord[], now: Instant): Slot {
  const end = endOf(secret)
  const others = all.filter(({ id, createdAt }) => id !== secret.id && createdAt < end).map(endOf)
  const othersEnd = others.length === 0 ? null : Math.max(...others)
  return primaryFrom(secret.slot, end, othersEnd) <= now ? 'primary' : secret.slot
}
