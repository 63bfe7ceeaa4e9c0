import type { Slot } from '@keyturn/contract'
import { type ChangedKey, changeSecrets } from '../keys/change-secrets.ts'
import type { WantedEnd } from '../keys/lifetime.ts'
import type { Call } from '../people/call.ts'
import {
  type Forced,
  planCancel,
  planFinish,
  planPromotion,
  planRevocation,
  planRotation,
  planStaging,
  type WantedOverlap,
  type WantedRotation,
} from './rules.ts'

/** The operations on the secrets of a key. What each may do when is in rules.ts; all may be done to a disabled key. */

/** @throws DomainError as `changeSecrets` and `planRotation` */
export const rotateKey = (call: Call, keyId: string, wanted: WantedRotation): Promise<ChangedKey> =>
  changeSecrets(call, keyId, (scene) => planRotation(scene, wanted))

/** @throws DomainError as `changeSecrets` and `planStaging` */
export const stageSecret = (
  call: Call,
  keyId: string,
  wanted: Pick<WantedEnd, 'expires_at' | 'expires_in'>,
): Promise<ChangedKey> => changeSecrets(call, keyId, (scene) => planStaging(scene, wanted))

/** @throws DomainError as `changeSecrets` and `planPromotion` */
export const promoteSecret = (call: Call, keyId: string, wanted: WantedOverlap): Promise<ChangedKey> =>
  changeSecrets(call, keyId, (scene) => planPromotion(scene, wanted))

/** @throws DomainError as `changeSecrets` and `planFinish` */
export const finishRotation = (call: Call, keyId: string, wanted: Forced): Promise<ChangedKey> =>
  changeSecrets(call, keyId, (scene) => planFinish(scene, wanted))

/** @throws DomainError as `changeSecrets` and `planCancel` */
export const cancelRotation = (call: Call, keyId: string, wanted: Forced): Promise<ChangedKey> =>
  changeSecrets(call, keyId, (scene) => planCancel(scene, wanted))

/** @throws DomainError as `changeSecrets` and `planRevocation` */
export const revokeSecret = (call: Call, keyId: string, slot: Slot, reason: string | null): Promise<ChangedKey> =>
  changeSecrets(call, keyId, (scene) => planRevocation(scene, slot, reason))
