import { feedTokenCreate, feedTokenCreated, feedTokenPage, feedTokenQuery, plainText } from '@keyturn/contract'
import { createFeedToken, listFeedTokens, revokeFeedToken } from '../../expirations/manage-feed-tokens.ts'
import type { SecretValue } from '../../kernel/secret-value.ts'
import { findOrganization } from '../../organizations/find.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import { toWireFeedToken } from '../expiration-wire.ts'
import { idempotencyHeader, jsonAnswer, jsonBody, managementRoute, newRoutes, organizationParam } from '../route.ts'

const tags = ['Expirations']
const path = '/v1/organizations/{org}/feed-tokens'

const create = managementRoute({
  action: 'feed_tokens:write',
  method: 'post',
  path,
  summary: 'Make a feed token, for a calendar',
  description:
    'Scope `keys:write`. Whoever has its address reads what ends when, of what you reach or of the projects given, and nothing else, until it is revoked.',
  tags,
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(feedTokenCreate) },
  responses: { 201: jsonAnswer('The token; its address is in no other answer', feedTokenCreated) },
})
const list = managementRoute({
  action: 'keys:read',
  method: 'get',
  path,
  summary: 'List feed tokens',
  description: 'Scope `keys:read`. Newest first, revoked ones too, without their addresses.',
  tags,
  request: { params: organizationParam, query: feedTokenQuery },
  responses: { 200: jsonAnswer('A page', feedTokenPage) },
})
const revoke = managementRoute({
  action: 'feed_tokens:write',
  method: 'delete',
  path: `${path}/{feed_token}`,
  summary: 'Revoke a feed token',
  description: 'Scope `keys:write`. Calendars that have its address get 403 from now on.',
  tags,
  request: { params: organizationParam.extend({ feed_token: plainText(200).describe('Id of a feed token.') }) },
  responses: { 204: { description: 'Revoked' } },
})

export function feedTokenRoutes(services: Services) {
  const routes = newRoutes()
  /** In the query, which is in no log of ours. */
  const feedUrl = (organizationId: string, value: SecretValue) =>
    `${services.publicUrl}/v1/organizations/${organizationId}/expirations.ics?token=${value.reveal()}`
  routes.openapi(create, async (c) => {
    const organization = await findOrganization(callOf(services, c), c.req.valid('param').org)
    return answerOnce(
      services,
      c,
      201,
      (call) => createFeedToken(call, organization, c.req.valid('json')),
      ({ token, value }, showSecrets) => ({
        ...toWireFeedToken(token),
        url: showSecrets ? feedUrl(token.organizationId, value) : null,
      }),
    )
  })
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const { data, nextCursor } = await listFeedTokens(call, organization, c.req.valid('query'))
    return c.json({ data: data.map(toWireFeedToken), next_cursor: nextCursor }, 200)
  })
  routes.openapi(revoke, async (c) => {
    const call = callOf(services, c)
    const { org, feed_token } = c.req.valid('param')
    await revokeFeedToken(call, await findOrganization(call, org), feed_token)
    return c.body(null, 204)
  })
  return routes
}
