import { type DeliveryQuery, testEvent } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf, newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Call, Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import type { Channel } from './channel.ts'
import { lockChannel } from './channel-store.ts'
import type { Delivery } from './delivery.ts'
import * as store from './delivery-store.ts'
import { findChannelInReach } from './find-channel.ts'
import { recordChannel } from './manage-channels.ts'
import { enqueueMail } from './outbox.ts'
import { testMail } from './test-mail.ts'
import { testPayload } from './webhook-payload.ts'

/** Newest first. An e-mail channel has none. @throws DomainError insufficient_scope, whole_organization_required, channel_not_found, invalid_cursor */
export async function listDeliveries(
  call: Call,
  channelId: string,
  { state, limit, cursor }: DeliveryQuery,
): Promise<{ data: Delivery[]; nextCursor: string | null }> {
  const { organizationId } = await findChannelInReach(call, channelId, 'audit:read')
  if (cursor !== undefined && !isIdOf('delivery', cursor)) throw new DomainError('invalid_cursor')
  const page = { state, before: cursor ?? null, limit: limit + 1 }
  const found = await store.listDeliveries(call.reader, organizationId, channelId, page)
  const data = found.slice(0, limit)
  return { data, nextCursor: found.length > limit ? (data.at(-1)?.id ?? null) : null }
}

/**
 * Sends a dead letter again, now and then as often as a new one, under the id that it had.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, channel_not_found, delivery_not_found, channel_disabled,
 *   delivery_not_dead
 */
export async function retryDelivery(call: Call, channelId: string, id: string): Promise<Delivery> {
  const { organizationId } = await findChannelInReach(call, channelId, 'policy:write')
  return call.change(async (tx) => {
    const channel = await lockEnabled(tx, organizationId, channelId)
    const now = await call.now(tx)
    const delivery = await store.findDelivery(tx, organizationId, channelId, id)
    if (!delivery) throw new DomainError('delivery_not_found')
    const revived = await store.revive(tx, organizationId, channelId, id, now)
    if (!revived) throw new DomainError('delivery_not_dead', { state: delivery.state })
    const after = { delivery: id, type: delivery.type }
    await recordChannel(tx, call, now, channel, 'channel.delivery_retried', { before: null, after })
    return revived
  })
}

/** What the test of a channel has put on its way. */
export type TestOfChannel =
  | { readonly delivery: Delivery; readonly mailId: null }
  | { readonly delivery: null; readonly mailId: string }

/**
 * Puts a message on its way that says nothing but that it is a test: to a webhook, or as a mail to a team mailbox.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, channel_not_found, channel_disabled
 */
export async function testChannel(call: Call, channelId: string): Promise<TestOfChannel> {
  const { organizationId } = await findChannelInReach(call, channelId, 'policy:write')
  return call.change(async (tx) => {
    const channel = await lockEnabled(tx, organizationId, channelId)
    const now = await call.now(tx)
    const { address } = channel
    const test: TestOfChannel =
      address === null
        ? { delivery: await queueTest(tx, call, channel, now), mailId: null }
        : { delivery: null, mailId: await enqueueMail(tx, organizationId, testMail(address), now) }
    const after = test.delivery ? { delivery: test.delivery.id } : { mail: test.mailId }
    await recordChannel(tx, call, now, channel, 'channel.tested', { before: null, after })
    return test
  })
}

async function queueTest(
  tx: Tx,
  call: Call,
  { id: channelId, organizationId }: Channel,
  now: Instant,
): Promise<Delivery> {
  const payload = JSON.stringify({ type: testEvent, ...testPayload(organizationId, call.caller.actor, now) })
  const row = { id: newId('delivery', now), channelId, type: testEvent, eventSequence: null, payload }
  await store.insertDeliveries(tx, organizationId, [row], now)
  const { eventSequence: _, ...queued } = row
  const untried = { state: 'pending', attempts: 0, nextAttemptAt: now, finishedAt: null, log: [] } as const
  return { ...queued, organizationId, createdAt: now, ...untried }
}

/** @throws DomainError channel_not_found, channel_disabled */
async function lockEnabled(tx: Tx, organizationId: string, channelId: string): Promise<Channel> {
  const channel = await lockChannel(tx, organizationId, channelId)
  if (!channel) throw new DomainError('channel_not_found')
  if (!channel.enabled) throw new DomainError('channel_disabled')
  return channel
}

const finishedKeptMs = 90 * 86_400_000
const deletedAtOnce = 5_000

/** The log goes back three months. */
export async function forgetOldDeliveries(ground: Ground): Promise<void> {
  const before = (await ground.now(ground.reader)) - finishedKeptMs
  while (await store.deleteFinishedBefore(ground.reader, before, deletedAtOnce));
}
