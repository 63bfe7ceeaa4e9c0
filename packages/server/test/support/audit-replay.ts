import type { AuditEvent, Key } from '@keyturn/contract'
import { expect } from 'vitest'
import type { Keyturn } from './keyturn.ts'

interface ToldSecret {
  readonly id: string
  readonly slot: string
  readonly hint: string
  readonly created_at: string
  readonly expires_at: string | null
  readonly retires_at: string | null
  readonly ended_at: string | null
  readonly ended_by: 'revoke' | 'rotate' | null
}

/** What the audit events of a key say of it, and nothing else does. */
export interface ToldKey {
  readonly state: 'active' | 'disabled' | 'revoked'
  readonly secrets: readonly ToldSecret[]
}

const time = (text: string | null) => (text === null ? Number.POSITIVE_INFINITY : Date.parse(text))
const endOf = ({ ended_at, retires_at, expires_at }: ToldSecret) =>
  Math.min(time(ended_at), time(retires_at), time(expires_at))

const states: Readonly<Record<string, ToldKey['state']>> = {
  'key.disabled': 'disabled',
  'key.enabled': 'active',
  'key.revoked': 'revoked',
}

/** @param events of one key, oldest first */
export function replay(events: readonly AuditEvent[]): ToldKey {
  let state: ToldKey['state'] = 'active'
  const secrets = new Map<string, ToldSecret>()
  for (const { action, at, after } of events) {
    state = states[action] ?? state
    if (action === 'key.created') {
      const { secret: id, hint, expires_at } = after as { secret: string; hint: string; expires_at: string | null }
      const open = { retires_at: null, ended_at: null, ended_by: null }
      secrets.set(id, { id, slot: 'primary', hint, created_at: at, expires_at, ...open })
    }
    for (const told of (after as { secrets?: ToldSecret[] } | null)?.secrets ?? []) secrets.set(told.id, told)
    if (action !== 'key.revoked') continue
    for (const secret of secrets.values())
      if (endOf(secret) > time(at)) secrets.set(secret.id, { ...secret, ended_at: at, ended_by: 'revoke' })
  }
  return { state, secrets: [...secrets.values()] }
}

function statusOf(secret: ToldSecret, now: number): string {
  const end = endOf(secret)
  if (end > now) return 'live'
  if (time(secret.ended_at) === end) return secret.ended_by === 'revoke' ? 'revoked' : 'rotated'
  return time(secret.retires_at) === end ? 'rotated' : 'expired'
}

/** A lone one is the primary; one that has ended is what it was at last. */
function slotOf(secret: ToldSecret, all: readonly ToldSecret[], now: number): string {
  const moment = Math.min(now, endOf(secret) - 1)
  const isLive = (other: ToldSecret) => time(other.created_at) <= moment && endOf(other) > moment
  return all.some((other) => other.id !== secret.id && isLive(other)) ? secret.slot : 'primary'
}

function keyStatusOf({ state, secrets }: ToldKey, now: number): string {
  if (state !== 'active') return state
  return secrets.some((secret) => endOf(secret) > now) ? 'active' : 'expired'
}

export async function readEvents(keyturn: Keyturn, key: Pick<Key, 'id' | 'organization_id'>): Promise<AuditEvent[]> {
  const path = `/v1/organizations/${key.organization_id}/audit-events?key=${key.id}&limit=200`
  return (await keyturn.request('GET', path)).body.data.toReversed()
}

/** The events alone tell what the key shows: its status, and of each secret slot, dates and status. @returns the events */
export async function expectTold(keyturn: Keyturn, key: Key): Promise<AuditEvent[]> {
  const events = await readEvents(keyturn, key)
  const told = replay(events)
  const now = keyturn.clock.now()
  const lineOf = (secret: Omit<ToldSecret, 'ended_at' | 'ended_by'>, status: string, slot: string) =>
    [secret.id, slot, secret.hint, secret.created_at, secret.expires_at, secret.retires_at, status].join(' ')
  const wanted = told.secrets.map((one) => lineOf(one, statusOf(one, now), slotOf(one, told.secrets, now)))
  expect(key.secrets.map((one) => lineOf(one, one.status, one.slot)).toSorted()).toEqual(wanted.toSorted())
  expect(key.status).toBe(keyStatusOf(told, now))
  return events
}
