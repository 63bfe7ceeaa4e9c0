import type { Slot } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, formatTime, type Instant } from '../kernel/instant.ts'
import { endOf } from '../keys/secret.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'

/** Operations that lead on from here. */
type Help = 'rotate' | 'promote' | 'finish' | 'cancel' | 'extend' | 'revoke' | 'force'

export const secondaryStaged = (staged: SecretWithUse, ...operations: Help[]) =>
  new DomainError('secondary_staged', { secret: staged.id, until: formatInstant(endOf(staged)), operations })

export const rotationInProgress = (retiring: SecretWithUse, ...operations: Help[]) =>
  new DomainError('rotation_in_progress', { secret: retiring.id, until: formatInstant(endOf(retiring)), operations })

export const noRotation = () => new DomainError('no_rotation_in_progress', { operations: ['rotate'] })

export const nothingStaged = () => new DomainError('nothing_staged', { operations: ['rotate'] })

export const withoutSecret = (slot: Slot = 'primary') =>
  new DomainError('no_live_secret', { slot, operations: ['rotate'] })

/** Whoever still calls with a secret would be refused. @throws DomainError secret_in_use */
export function refuseInUse(secret: SecretWithUse, since: Instant, { force }: { force?: boolean | undefined }): void {
  if (force || secret.lastUsedAt === null || secret.lastUsedAt <= since) return
  throw new DomainError('secret_in_use', {
    secret: secret.id,
    last_used_at: formatTime(secret.lastUsedAt),
    until: formatInstant(endOf(secret)),
    operations: ['force'],
  })
}
