import type { ErrorCode, HelpfulOperation, Slot } from '@keyturn/contract'
import { DomainError, type ErrorFacts } from '../kernel/errors.ts'
import { formatInstant, formatTime, type Instant, never } from '../kernel/instant.ts'
import type { Key } from '../keys/key.ts'
import { endOf } from '../keys/secret.ts'
import type { Slots } from '../keys/slots.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'

/** Two live secrets. */
export type Pair = Extract<Slots<SecretWithUse>, { readonly state: 'staged' | 'retiring' }>

const hourMs = 3_600_000

/** Each says what stands in the way, until when it does so by itself, and which operations lead on from here. */
function refusal(
  code: ErrorCode,
  until: Instant,
  operations: readonly HelpfulOperation[],
  facts: ErrorFacts = {},
): DomainError {
  return new DomainError(code, { ...facts, until: formatInstant(until), operations })
}

/** Whichever of two secrets ends first leaves one. */
const untilOneEnds = ({ primary, secondary }: Pair): Instant => Math.min(endOf(primary), endOf(secondary))

/** @param more than promoting it or taking it back */
export const secondaryStaged = (pair: Pair, ...more: HelpfulOperation[]) =>
  refusal('secondary_staged', untilOneEnds(pair), ['promote', 'cancel', ...more], { secret: pair.secondary.id })

/** @param more than finishing it or taking it back */
export const rotationInProgress = (pair: Pair, ...more: HelpfulOperation[]) =>
  refusal('rotation_in_progress', untilOneEnds(pair), ['finish', 'cancel', ...more], { secret: pair.secondary.id })

export const noRotation = () => refusal('no_rotation_in_progress', never, ['rotate', 'stage'])

export const nothingStaged = () => refusal('nothing_staged', never, ['stage', 'rotate'])

/** Of a key without any. */
export const withoutSecret = (slot: Slot = 'primary') => refusal('no_live_secret', never, ['rotate'], { slot })

/** Of a key with a primary alone. */
export const withoutSecondary = () => refusal('no_live_secret', never, ['stage', 'rotate'], { slot: 'secondary' })

/** Of a legacy key there is no whole to be revoked. */
export const lastLiveSecret = (secret: SecretWithUse, { legacy }: Pick<Key, 'legacy'>) =>
  refusal('last_live_secret', endOf(secret), legacy ? ['rotate'] : ['rotate', 'revoke'], { secret: secret.id, legacy })

/** @param operations that end it sooner */
export const wouldShorten = (secret: SecretWithUse, ...operations: HelpfulOperation[]) =>
  refusal('would_shorten', endOf(secret), operations, {
    secret: secret.id,
    expires_at: formatInstant(endOf(secret)),
  })

/** Its value would be another with another end: what helps is a new one. */
export const jwtExpiryIsInTheToken = ({ id, expiresAt }: SecretWithUse, { state }: Slots) =>
  refusal('jwt_expiry_is_in_the_token', expiresAt, waysToRenew[state], {
    secret: id,
    expires_at: formatInstant(expiresAt),
  })

const waysToRenew = {
  none: ['rotate'],
  one: ['rotate', 'stage'],
  staged: ['promote', 'cancel'],
  retiring: ['finish', 'cancel'],
} as const satisfies Record<Slots['state'], readonly HelpfulOperation[]>

/** Of one that is to be handed a new secret: revoked is for ever. */
export const keyRevoked = () => refusal('key_revoked', never, ['create'])

export const keyDisabled = () => refusal('key_disabled', never, ['enable'])

export const legacyNeverExpires = () => refusal('legacy_key_never_expires', never, ['rotate'])

/** Whoever called with the old one within the hour would be refused. @throws DomainError secret_in_use */
export function refuseToFinish(pair: Pair, now: Instant): void {
  const { lastUsedAt } = pair.secondary
  if (lastUsedAt === null || lastUsedAt <= now - hourMs) return
  throw inUse(pair.secondary, lastUsedAt, Math.min(lastUsedAt + hourMs, untilOneEnds(pair)), 'force')
}

/** Whoever has moved to the newer one already would be refused. @throws DomainError secret_in_use */
export function refuseToCancel(pair: Pair, newer: SecretWithUse): void {
  if (newer.lastUsedAt === null) return
  const onward = pair.state === 'staged' ? 'promote' : 'finish'
  throw inUse(newer, newer.lastUsedAt, untilOneEnds(pair), onward, 'force')
}

const inUse = (secret: SecretWithUse, lastUsedAt: Instant, until: Instant, ...operations: HelpfulOperation[]) =>
  refusal('secret_in_use', until, operations, { secret: secret.id, last_used_at: formatTime(lastUsedAt) })
