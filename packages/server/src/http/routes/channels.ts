import {
  channelCreate,
  channelCreated,
  channelEdit,
  channelPage,
  channelQuery,
  channelSchema,
  secretRotate,
} from '@keyturn/contract'
import { listChannels, readChannel } from '../../notifications/find-channel.ts'
import {
  createChannel,
  deleteChannel,
  editChannel,
  rotateSigningSecret,
  type ShownChannel,
} from '../../notifications/manage-channels.ts'
import { findOrganization } from '../../organizations/find.ts'
import { toWireChannel } from '../channel-wire.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import {
  channelParam,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  managementRoute,
  newRoutes,
  organizationParam,
} from '../route.ts'

const tags = ['Channels']
const all = '/v1/organizations/{org}/channels'
const one = '/v1/channels/{channel}'

const create = managementRoute({
  action: 'channels:write',
  method: 'post',
  path: all,
  summary: 'Make a channel: a webhook, or a team mailbox',
  description:
    'Scope `policy:write`. A webhook is told of events of keys from now on, signed by the Standard Webhooks specification; an e-mail channel gets every reminder. At most 50 in an organization.',
  tags,
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(channelCreate) },
  responses: { 201: jsonAnswer('The channel; its signing secret is in no other answer', channelCreated) },
})
const list = managementRoute({
  action: 'channels:read',
  method: 'get',
  path: all,
  summary: 'List channels',
  description: 'Scope `audit:read`. Newest first, without their signing secrets.',
  tags,
  request: { params: organizationParam, query: channelQuery },
  responses: { 200: jsonAnswer('A page', channelPage) },
})
const read = managementRoute({
  action: 'channels:read',
  method: 'get',
  path: one,
  summary: 'Read a channel',
  description: 'Scope `audit:read`.',
  tags,
  request: { params: channelParam },
  responses: { 200: jsonAnswer('The channel', channelSchema) },
})
const edit = managementRoute({
  action: 'channels:write',
  method: 'patch',
  path: one,
  summary: 'Edit a channel',
  description:
    'Scope `policy:write`. A disabled one gets nothing; what waited for it becomes dead letters, and can be sent again once it is enabled.',
  tags,
  request: { params: channelParam, body: jsonBody(channelEdit) },
  responses: { 200: jsonAnswer('The channel', channelSchema) },
})
const remove = managementRoute({
  action: 'channels:write',
  method: 'delete',
  path: one,
  summary: 'Delete a channel',
  description: 'Scope `policy:write`. With the log of its deliveries, and what still waits.',
  tags,
  request: { params: channelParam },
  responses: { 204: { description: 'Deleted' } },
})
const rotateSecret = managementRoute({
  action: 'channels:write',
  method: 'post',
  path: `${one}/rotate-secret`,
  summary: 'Replace the signing secret of a webhook',
  description:
    'Scope `policy:write`. For the overlap (a day unless you say otherwise) the old and the new one both sign, so that the receiver can move in between.',
  tags,
  request: { params: channelParam, headers: idempotencyHeader, body: { ...jsonBody(secretRotate), required: false } },
  responses: { 200: jsonAnswer('The channel; the new secret is in no other answer', channelCreated) },
})

const toShown = ({ channel, secret }: ShownChannel, showSecrets: boolean) => ({
  channel: toWireChannel(channel),
  signing_secret: showSecrets && secret ? secret.reveal() : null,
})

export function channelRoutes(services: Services) {
  const routes = newRoutes()
  const ground = services.channels
  routes.openapi(create, async (c) => {
    const organization = await findOrganization(callOf(services, c), c.req.valid('param').org)
    const wanted = c.req.valid('json')
    return answerOnce(services, c, 201, (call) => createChannel(call, ground, organization, wanted), toShown)
  })
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const { data, nextCursor } = await listChannels(call, organization, c.req.valid('query'))
    return c.json({ data: data.map(toWireChannel), next_cursor: nextCursor }, 200)
  })
  routes.openapi(read, async (c) =>
    c.json(toWireChannel(await readChannel(callOf(services, c), c.req.valid('param').channel)), 200),
  )
  routes.openapi(edit, async (c) => {
    const { channel } = c.req.valid('param')
    return c.json(toWireChannel(await editChannel(callOf(services, c), ground, channel, c.req.valid('json'))), 200)
  })
  routes.openapi(remove, async (c) => {
    await deleteChannel(callOf(services, c), c.req.valid('param').channel)
    return c.body(null, 204)
  })
  routes.openapi(rotateSecret, (c) => {
    const { channel } = c.req.valid('param')
    const wanted = secretRotate.parse(c.req.valid('json'))
    return answerOnce(services, c, 200, (call) => rotateSigningSecret(call, ground, channel, wanted), toShown)
  })
  return routes
}
