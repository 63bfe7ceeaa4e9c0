import type { Actor, ErrorCode } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { recordChange } from './record-change.ts'
import { claimRefusal, forgetRefusals } from './refusal-store.ts'

const minuteMs = 60_000

export interface Refusal {
  readonly code: ErrorCode
  /** Null: nobody knows who it was. */
  readonly actor: Actor | null
  /** Whose account somebody tried to open. */
  readonly subject: { readonly id: string; readonly name: string } | null
  /** Null: it is about none, or nobody knows which. */
  readonly organizationId: string | null
  /** The method and the pattern of the path: what stands in its places could be anything, a secret too. */
  readonly route: string
  readonly action: 'call.refused' | 'sign_in.refused'
  readonly address: string | null
  readonly requestId: string | null
}

interface Ground {
  readonly reader: Reader
  change<R>(work: (tx: Tx) => Promise<R>): Promise<R>
  now(reader: Reader): Promise<Instant>
}

/**
 * Puts refused calls on record, one for each caller, code and minute: a flood leaves a bounded trail. Callers whom nobody knows are
 * one caller.
 */
export class Refusals {
  readonly #ground: Ground
  readonly #timeHere: () => Instant
  /** What this node has put on record in this minute, or is about to: a flood does not ask the database either. */
  readonly #known = new Set<string>()
  #minute = 0

  /** @param timeHere without asking the database */
  constructor(ground: Ground, timeHere: () => Instant) {
    this.#ground = ground
    this.#timeHere = timeHere
  }

  async record(refusal: Refusal): Promise<void> {
    const minuteHere = Math.floor(this.#timeHere() / minuteMs)
    if (minuteHere !== this.#minute) this.#known.clear()
    this.#minute = minuteHere
    const who = refusal.subject?.id ?? refusal.actor?.id ?? refusal.actor?.type ?? 'unknown'
    const caller = `${who} ${refusal.organizationId ?? 'installation'} ${refusal.action}`
    const known = `${caller} ${refusal.code}`
    if (this.#known.has(known)) return
    this.#known.add(known)
    try {
      await this.#ground.change(async (tx) => {
        const now = await this.#ground.now(tx)
        const minute = Math.floor(now / minuteMs) * minuteMs
        if (await claimRefusal(tx, caller, refusal.code, minute)) await this.#put(tx, refusal, now)
      })
    } catch (error) {
      this.#known.delete(known)
      throw error
    }
  }

  async #put(tx: Tx, refusal: Refusal, now: Instant): Promise<void> {
    const { code, route, action, organizationId, requestId, address, subject } = refusal
    const actor = refusal.actor ?? ({ type: 'unknown', id: null, name: 'Somebody unknown' } as const)
    await recordChange(tx, { caller: { actor }, address, requestId }, now, {
      action,
      organizationId,
      projectId: null,
      target: subject ? { type: 'person', ...subject } : { type: 'call', id: requestId ?? 'call', name: route },
      before: null,
      after: { code, route },
      affects: null,
    })
  }

  /** For a job. */
  async forgetOld(): Promise<void> {
    await forgetRefusals(this.#ground.reader, (await this.#ground.now(this.#ground.reader)) - 10 * minuteMs)
  }
}
