import type { Environment, ExpirationKind, ReminderReason } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { ActionLinks } from './action-links.ts'

/** One reminder, with all that its reader needs to know. */
export interface ReminderItem {
  readonly reason: ReminderReason
  /** Seconds before `endsAt`; 0: it has come; negative: so long after it. */
  readonly threshold: number
  readonly keyName: string
  /** The key, or the tracked credential. */
  readonly keyId: string
  /** Of the secret; null: of a tracked credential nobody has seen it. */
  readonly hint: string | null
  readonly kind: ExpirationKind
  readonly environment: Environment | null
  readonly projectName: string | null
  readonly owner: string | null
  readonly contact: string | null
  /** When it ends or has ended; of a rotation that is due, when. */
  readonly endsAt: Instant
  /** Called in the last 30 days; null: nobody can know. */
  readonly inUse: boolean | null
  /** Of the last call with this very secret; of one that has ended, the last that was refused. */
  readonly lastUsedAt: Instant | null
  readonly lastAddress: string | null
  readonly lastUserAgent: string | null
  readonly links: ActionLinks
  readonly tracked: boolean
  /** Of a tracked credential, where that is known. */
  readonly issuer: string | null
}
