import type { AuditEvent, WebhookEvent } from '@keyturn/contract'
import { followEvents } from '../audit/follow-events.ts'
import { findCredentialsOfRecord } from '../expirations/track-credential.ts'
import { newId } from '../kernel/ids.ts'
import { parseInstant } from '../kernel/instant.ts'
import { findKeysOfRecord } from '../keys/find-key.ts'
import type { Ground } from '../people/call.ts'
import type { Reader } from '../storage/database.ts'
import { wantsEvent } from './channel.ts'
import { holdWebhooks } from './channel-store.ts'
import type { NewDelivery } from './delivery.ts'
import { insertDeliveries } from './delivery-store.ts'
import { payloadOf, type Subject, webhookActions, webhookEventOf } from './webhook-payload.ts'

/**
 * Puts every event since the last time into the queue of each webhook that is told of it, once, whatever the number of nodes. What happened
 * before a channel was made is not for it.
 */
export function announceEvents(ground: Ground, publicUrl: string): Promise<number> {
  return followEvents(ground, 'webhooks', webhookActions, async (tx, organizationId, events) => {
    const announced = events.flatMap((event) => {
      const type = webhookEventOf(event.action)
      return type === null ? [] : [{ type, event }]
    })
    if (announced.length === 0) return
    const channels = await holdWebhooks(tx, organizationId)
    if (channels.length === 0) return
    const subjects = await findSubjects(tx, organizationId, announced)
    const now = await ground.now(tx)
    const deliveries: NewDelivery[] = announced.flatMap(({ type, event }) => {
      const payload = JSON.stringify(payloadOf(type, event, subjects.get(event.target.id) ?? null, publicUrl))
      return channels
        .filter((channel) => wantsEvent(channel, type, parseInstant(event.at)))
        .map(({ id }) => ({
          id: newId('delivery', now),
          channelId: id,
          type,
          eventSequence: event.sequence,
          payload,
        }))
    })
    await insertDeliveries(tx, organizationId, deliveries, now)
  })
}

/** In two queries, however many there are. */
async function findSubjects(
  reader: Reader,
  organizationId: string,
  announced: readonly { readonly type: WebhookEvent; readonly event: AuditEvent }[],
): Promise<Map<string, Subject>> {
  const idsOf = (type: string) => [
    ...new Set(announced.flatMap(({ event: { target } }) => (target.type === type ? [target.id] : []))),
  ]
  const keys = await findKeysOfRecord(reader, organizationId, idsOf('key'))
  const credentials = await findCredentialsOfRecord(reader, organizationId, idsOf('tracked_credential'))
  return new Map<string, Subject>([
    ...keys.map(
      (key) => [key.id, { owner: key.owner, management: key.management !== null, endsAt: key.lastEndAt }] as const,
    ),
    ...credentials.map(({ id, owner, expiresAt }) => [id, { owner, management: false, endsAt: expiresAt }] as const),
  ])
}
