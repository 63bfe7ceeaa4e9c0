import { channelTested, deliveryPage, deliveryQuery, deliverySchema, plainText } from '@keyturn/contract'
import { listDeliveries, retryDelivery, testChannel } from '../../notifications/manage-deliveries.ts'
import { toWireDelivery } from '../channel-wire.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import {
  channelParam,
  emptyBody,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  managementRoute,
  newRoutes,
} from '../route.ts'

const tags = ['Channels']
const path = '/v1/channels/{channel}'
const nothing = { ...jsonBody(emptyBody), required: false }

const test = managementRoute({
  action: 'channels:write',
  method: 'post',
  path: `${path}/test`,
  summary: 'Send a test to a channel',
  description:
    'Scope `policy:write`. A webhook is sent an event of type `channel.test`, at once; how it went is among its deliveries. A team mailbox is sent a mail, which is in the outbox.',
  tags,
  request: { params: channelParam, headers: idempotencyHeader, body: nothing },
  responses: { 201: jsonAnswer('It is on its way', channelTested) },
})
const list = managementRoute({
  action: 'channels:read',
  method: 'get',
  path: `${path}/deliveries`,
  summary: 'What was sent to a webhook, and how it went',
  description: 'Scope `audit:read`. Newest first; finished ones for 90 days.',
  tags,
  request: { params: channelParam, query: deliveryQuery },
  responses: { 200: jsonAnswer('A page', deliveryPage) },
})
const retry = managementRoute({
  action: 'channels:write',
  method: 'post',
  path: `${path}/deliveries/{delivery}/retry`,
  summary: 'Send a dead letter again',
  description: 'Scope `policy:write`. At once, and then as often as a new one, under the same `webhook-id`.',
  tags,
  request: {
    params: channelParam.extend({ delivery: plainText(200).describe('Id of a delivery.') }),
    headers: idempotencyHeader,
    body: nothing,
  },
  responses: { 200: jsonAnswer('It waits to be sent', deliverySchema) },
})

export function deliveryRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(test, async (c) => {
    const { channel } = c.req.valid('param')
    const answer = await answerOnce(
      services,
      c,
      201,
      (call) => testChannel(call, channel),
      ({ delivery, mailId }) => ({ delivery: delivery && toWireDelivery(delivery), mail_id: mailId }),
    )
    services.sendDeliveries()
    return answer
  })
  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const { data, nextCursor } = await listDeliveries(callOf(services, c), c.req.valid('param').channel, query)
    return c.json({ data: data.map(toWireDelivery), next_cursor: nextCursor }, 200)
  })
  routes.openapi(retry, async (c) => {
    const { channel, delivery } = c.req.valid('param')
    const answer = await answerOnce(
      services,
      c,
      200,
      (call) => retryDelivery(call, channel, delivery),
      (revived) => toWireDelivery(revived),
    )
    services.sendDeliveries()
    return answer
  })
  return routes
}
