import type { Actor, ManagementScope, Role } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { TokenGround } from '../signing/token-ground.ts'
import type { Reader, Tx } from '../storage/database.ts'

/** Who calls and what they may do. Taken from the credential at the door, never from the request's body. */
export interface Caller {
  readonly actor: Actor
  /** Null: the root key, which reaches every organization. */
  readonly organizationId: string | null
  /** Ids of the projects within reach; null: all of them. */
  readonly projects: ReadonlySet<string> | null
  readonly scopes: ReadonlySet<ManagementScope> | 'all'
  /** Who it is, where a person calls. */
  readonly person?: CallingPerson
}

/** A person with their session, and what they are in the organization that the call is about. */
export interface CallingPerson {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly sessionId: string
  readonly signedInAt: Instant
  /** The organizations that they belong to, as far as this session goes. */
  readonly organizations: readonly string[]
  /** On the organization as a whole; null: on projects of it alone, or the call is about none. */
  readonly role: Role | null
}

/** Of a caller who reaches no organization by this call. No organization has this id. */
export const nowhere = 'org_nowhere'

/** The ground that every call stands on: the database, its time, and what new keys begin with. */
export interface Ground {
  /** For reading what is committed. */
  readonly reader: Reader
  /** One transaction. */
  change<R>(work: (tx: Tx) => Promise<R>): Promise<R>
  /** For reading several things as they were at one moment. Whoever is slow between them holds old rows: keep it short. */
  snapshot<R>(read: (tx: Tx) => Promise<R>): Promise<R>
  /** Database time; in a transaction, to be read after its locks are held. */
  now(reader: Reader): Promise<Instant>
  /** What new keys begin with, `kt` unless the installation says otherwise. */
  readonly keyPrefix: string
  /** What tokens are issued with. */
  readonly tokens: TokenGround
}

/**
 * One call of the management API: who, from where, and the way to the database. Every use case takes it first, and makes its
 * changes in one `change`: a repeated call (Idempotency-Key) ends there with the answer of the first.
 */
export interface Call extends Ground {
  readonly caller: Caller
  readonly requestId: string | null
  readonly address: string | null
}
