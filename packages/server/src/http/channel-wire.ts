import type * as wire from '@keyturn/contract'
import { formatTime } from '../kernel/instant.ts'
import type { Channel } from '../notifications/channel.ts'
import type { Delivery } from '../notifications/delivery.ts'

export const toWireChannel = (channel: Channel): wire.Channel => ({
  id: channel.id,
  organization_id: channel.organizationId,
  kind: channel.kind,
  url: channel.url,
  address: channel.address,
  events: channel.events === null ? null : [...channel.events],
  enabled: channel.enabled,
  disabled_reason: channel.disabledReason,
  old_secret_signs_until: channel.oldSecretUntil === null ? null : formatTime(channel.oldSecretUntil),
  created_at: formatTime(channel.createdAt),
  created_by: channel.createdBy,
})

export const toWireDelivery = (delivery: Delivery): wire.Delivery => ({
  id: delivery.id,
  channel_id: delivery.channelId,
  type: delivery.type,
  state: delivery.state,
  attempts: delivery.attempts,
  next_attempt_at: delivery.state === 'pending' ? formatTime(delivery.nextAttemptAt) : null,
  created_at: formatTime(delivery.createdAt),
  finished_at: delivery.finishedAt === null ? null : formatTime(delivery.finishedAt),
  log: delivery.log.map((attempt) => ({
    at: formatTime(attempt.at),
    duration_ms: attempt.durationMs,
    status: attempt.status,
    error: attempt.error,
    answer: attempt.answer,
  })),
  payload: delivery.payload,
})
