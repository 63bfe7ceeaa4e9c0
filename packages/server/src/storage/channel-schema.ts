import type { Actor, ChannelKind, DeliveryState, WebhookEvent } from '@keyturn/contract'
import type { Generated } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Json } from './json-column.ts'

/** Who is told of events, what waits for them, and how far each follower of the trail has come. */
export interface ChannelSchema {
  channels: ChannelsTable
  deliveries: DeliveriesTable
  /** `*`: where followers begin that have no row of their own. */
  event_followers: { follower: string; organization_id: string; sequence: number }
}

interface ChannelsTable {
  id: string
  organization_id: string
  kind: ChannelKind
  /** Of a webhook. */
  url: string | null
  /** Of an e-mail channel. */
  address: string | null
  /** Null: all. */
  events: WebhookEvent[] | null
  enabled: Generated<boolean>
  disabled_reason: Generated<'receiver_gone' | null>
  /** Of a webhook: sealed under a key derived from the master key. */
  sealed_secret: Uint8Array | null
  old_sealed_secret: Generated<Uint8Array | null>
  old_secret_until: Generated<Instant | null>
  created_at: Instant
  created_by: Json<Actor>
}

interface DeliveriesTable {
  id: string
  organization_id: string
  channel_id: string
  type: string
  /** Of the event in the audit trail; null: a test. */
  event_sequence: number | null
  payload: string
  state: Generated<DeliveryState>
  attempts: Generated<number>
  /** Of the attempts since it was last given up. */
  tries: Generated<number>
  next_attempt_at: Instant
  /** Until then nobody else takes it up. */
  leased_until: Generated<Instant | null>
  created_at: Instant
  finished_at: Generated<Instant | null>
  /** Newest first. */
  log: Generated<LoggedAttempt[]>
}

interface LoggedAttempt {
  readonly at: string
  readonly duration_ms: number
  readonly status: number | null
  readonly error: string | null
  readonly answer: string | null
}
