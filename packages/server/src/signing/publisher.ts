import type { Clock } from '../kernel/clock.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Ground } from '../people/call.ts'
import { statusListUri } from './claims.ts'
import { signToken } from './sign.ts'
import { isPublishedAt, toJwk } from './signing-key.ts'
import { findCurrentKey, listSigningKeys } from './signing-key-store.ts'
import { packStatuses, statusBits, statusListLifeSeconds, statusListTtlSeconds } from './status-list.ts'
import { isList, listRefused } from './token-store.ts'

interface Ages {
  /** So young nothing is made anew: strangers ask as often as they like. */
  readonly leastMs: number
  /** So old everything is, for what no change of the feed tells. */
  readonly mostMs: number
}

// Whoever is issued the first token under a key finds that key here. A rotation alone is no change of the feed.
const agesOfKeys: Ages = { leastMs: 0, mostMs: 1_000 }
// To make one is to read all that was revoked in it. What the clock alone has changed, as the end of an overlap, shows after ten seconds.
const agesOfLists: Ages = { leastMs: 250, mostMs: 10_000 }
/** Past the end of a token that was revoked its place still says so. */
const endedKeptMs = 86_400_000

/** Strangers ask for whatever comes to them; the database is asked for what may be there. */
const shapeOfId = /^stl_[0-9a-z]{26}$/

interface Kept<T> {
  readonly made: Promise<T>
  /** Monotonic. */
  readonly at: number
  readonly generation: number
}

/** A set of public keys (RFC 7517 §5), as text. */
export interface PublishedKeys {
  readonly text: string
  readonly isEmpty: boolean
}

/**
 * What those who verify offline read: public keys and status lists, from the database, and kept for seconds. Any node gives the same; what
 * an older list costs is bounded by the end that is written in it, and not by how long it lies here.
 */
export class Publisher {
  readonly #ground: Ground
  readonly #clock: Clock
  readonly #generation: () => number
  readonly #kept = new Map<string, Kept<unknown>>()

  /** @param generation goes up with every change that was applied on this node */
  constructor(ground: Ground, clock: Clock, generation: () => number) {
    this.#ground = ground
    this.#clock = clock
    this.#generation = generation
  }

  keys(): Promise<PublishedKeys> {
    return this.#keep('keys', agesOfKeys, async () => {
      const { reader } = this.#ground
      const now = await this.#ground.now(reader)
      const all = await listSigningKeys(reader)
      const keys = all.filter((key) => isPublishedAt(key, all, now)).map(toJwk)
      if (keys.length === 0) this.#kept.delete('keys')
      return { text: JSON.stringify({ keys }), isEmpty: keys.length === 0 }
    })
  }

  /**
   * A Status List Token (Token Status List §5.1).
   *
   * @throws DomainError status_list_not_found, database_unavailable
   */
  async statusList(listId: string): Promise<string> {
    if (!this.#kept.has(listId) && !(shapeOfId.test(listId) && (await isList(this.#ground.reader, listId))))
      throw new DomainError('status_list_not_found')
    return this.#keep(listId, agesOfLists, () => this.#makeList(listId))
  }

  async #makeList(listId: string): Promise<string> {
    const { reader, tokens } = this.#ground
    // Before the snapshot: a list has all that was committed when it was issued.
    const now = await this.#ground.now(reader)
    const refused = await listRefused(reader, listId, now, endedKeptMs)
    const key = await findCurrentKey(reader, now)
    if (!key) throw new Error('there is a status list, but no key that signs')
    const iat = Math.floor(now / 1000)
    return signToken(key, tokens.sealKey, 'statuslist+jwt', {
      iss: tokens.issuer,
      sub: statusListUri(tokens.issuer, listId),
      iat,
      exp: iat + statusListLifeSeconds,
      ttl: statusListTtlSeconds,
      status_list: { bits: statusBits, lst: packStatuses(refused) },
    })
  }

  /** Whoever comes while it is made waits for the same. What failed is not kept. */
  #keep<T>(name: string, { leastMs, mostMs }: Ages, make: () => Promise<T>): Promise<T> {
    const now = this.#clock.monotonic()
    const generation = this.#generation()
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- under one name there is one kind of thing
    const kept = this.#kept.get(name) as Kept<T> | undefined
    if (kept) {
      const age = now - kept.at
      if (age < leastMs || (age < mostMs && kept.generation === generation)) return kept.made
    }
    const made = make()
    const entry = { made, at: now, generation }
    this.#kept.set(name, entry)
    made.catch(() => {
      if (this.#kept.get(name) === entry) this.#kept.delete(name)
    })
    return made
  }
}
