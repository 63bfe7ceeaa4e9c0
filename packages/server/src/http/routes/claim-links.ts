import { claimLinkCreate, claimLinkCreated, claimLinkPage, claimLinkQuery, plainText } from '@keyturn/contract'
import { createClaimLink, listClaimLinks, withdrawClaimLink } from '../../rotation/manage-claim-links.ts'
import { claimUrl } from '../claim-page/address.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import { idempotencyHeader, jsonAnswer, jsonBody, keyParam, managementRoute, newRoutes } from '../route.ts'
import { toWireClaimLink } from '../wire.ts'

const tags = ['Claim links']
const path = '/v1/keys/{key}/claim-links'

const create = managementRoute({
  action: 'keys:rotate',
  method: 'post',
  path,
  summary: 'Make a link by which somebody without an account is given a new secret',
  description:
    'Scope `keys:write`. Whoever opens the link and presses its button has a second secret staged and is shown its value, once; nobody else sees it. Refused while that could not be done.',
  tags,
  request: { params: keyParam, headers: idempotencyHeader, body: { ...jsonBody(claimLinkCreate), required: false } },
  responses: { 201: jsonAnswer('The link; its URL is in no other answer', claimLinkCreated) },
})
const list = managementRoute({
  action: 'keys:read',
  method: 'get',
  path,
  summary: 'List the claim links of a key',
  description: 'Scope `keys:read`. Newest first, used ones too, without their URLs.',
  tags,
  request: { params: keyParam, query: claimLinkQuery },
  responses: { 200: jsonAnswer('A page', claimLinkPage) },
})
const withdraw = managementRoute({
  action: 'keys:rotate',
  method: 'delete',
  path: `${path}/{claim_link}`,
  summary: 'Withdraw a claim link',
  description: 'Scope `keys:write`. Whoever has it can use it no more. One that was used is 409: its secret is there.',
  tags,
  request: { params: keyParam.extend({ claim_link: plainText(200).describe('Id of a claim link.') }) },
  responses: { 204: { description: 'Withdrawn' } },
})

export function claimLinkRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(create, (c) =>
    answerOnce(
      services,
      c,
      201,
      (call) => createClaimLink(call, c.req.valid('param').key, c.req.valid('json')),
      ({ link, token, now }, showSecrets) => ({
        ...toWireClaimLink(link, now),
        url: showSecrets ? claimUrl(services.publicUrl, token) : null,
      }),
    ),
  )
  routes.openapi(list, async (c) => {
    const { data, nextCursor, now } = await listClaimLinks(
      callOf(services, c),
      c.req.valid('param').key,
      c.req.valid('query'),
    )
    return c.json({ data: data.map((link) => toWireClaimLink(link, now)), next_cursor: nextCursor }, 200)
  })
  routes.openapi(withdraw, async (c) => {
    const { key, claim_link } = c.req.valid('param')
    await withdrawClaimLink(callOf(services, c), key, claim_link)
    return c.body(null, 204)
  })
  return routes
}
