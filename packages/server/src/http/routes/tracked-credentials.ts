import {
  plainText,
  trackedCredentialCreate,
  trackedCredentialEdit,
  trackedCredentialPage,
  trackedCredentialQuery,
  trackedCredentialRenew,
  trackedCredentialSchema,
  trackedCredentialWithHistory,
} from '@keyturn/contract'
import {
  editCredential,
  forgetCredential,
  listCredentials,
  readCredential,
  renewCredential,
  trackCredential,
} from '../../expirations/track-credential.ts'
import { findOrganization } from '../../organizations/find.ts'
import { answerOnce, callOf, doOnce, type Services } from '../context.ts'
import { idempotencyHeader, jsonAnswer, jsonBody, managementRoute, newRoutes, organizationParam } from '../route.ts'
import { toWireCredential, toWireFacts } from '../tracked-wire.ts'

const tags = ['Tracked credentials']
const path = '/v1/organizations/{org}/tracked-credentials'
const one = `${path}/{tracked_credential}` as const
const params = organizationParam.extend({
  tracked_credential: plainText(200).describe('Id of a tracked credential.'),
})
const answer = { 200: jsonAnswer('The credential', trackedCredentialSchema) }

const create = managementRoute({
  action: 'tracked_credentials:write',
  method: 'post',
  path,
  summary: 'Keep an eye on a credential that somebody else issued',
  description:
    'Scope `keys:write`. It is listed, announced and in the calendar like a key. Its value is never sent: only facts, as the page or `readToken` of the client library takes them from a JWT where it is. A fingerprint that is known already gives 200 and that entry, as it is.',
  tags,
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(trackedCredentialCreate) },
  responses: {
    200: jsonAnswer('The fingerprint is known: that entry', trackedCredentialSchema),
    201: jsonAnswer('The credential', trackedCredentialSchema),
  },
})
const list = managementRoute({
  action: 'keys:read',
  method: 'get',
  path,
  summary: 'List tracked credentials',
  description: 'Scope `keys:read`. Newest first; by their ends they are among the expirations.',
  tags,
  request: { params: organizationParam, query: trackedCredentialQuery },
  responses: { 200: jsonAnswer('A page', trackedCredentialPage) },
})
const read = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: one,
  summary: 'Read a tracked credential with its history',
  description: 'Scope `keys:read`.',
  tags,
  request: { params },
  responses: { 200: jsonAnswer('The credential', trackedCredentialWithHistory) },
})
const edit = managementRoute({
  action: 'tracked_credentials:write',
  method: 'patch',
  path: one,
  summary: 'Change what is said of a tracked credential',
  description: 'Scope `keys:write`.',
  tags,
  request: { params, body: jsonBody(trackedCredentialEdit) },
  responses: answer,
})
const renew = managementRoute({
  action: 'tracked_credentials:write',
  method: 'post',
  path: `${one}/renew`,
  summary: 'Make the newest value of a tracked credential known',
  description:
    'Scope `keys:write`. Facts of the new value, above all when it ends; those of the values before stay in the history.',
  tags,
  request: { params, headers: idempotencyHeader, body: jsonBody(trackedCredentialRenew) },
  responses: answer,
})
const forget = managementRoute({
  action: 'tracked_credentials:write',
  method: 'delete',
  path: one,
  summary: 'Keep an eye on it no more',
  description: 'Scope `keys:write`. Nothing happens to the credential itself.',
  tags,
  request: { params },
  responses: { 204: { description: 'Forgotten' } },
})

export function trackedCredentialRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(create, async (c) => {
    const organization = await findOrganization(callOf(services, c), c.req.valid('param').org)
    let isNew = true
    const { body, repeated } = await doOnce(
      services,
      c,
      201,
      (call) => trackCredential(call, organization, c.req.valid('json')),
      (tracked) => {
        isNew = tracked.isNew
        return toWireCredential(tracked)
      },
    )
    if (repeated) c.header('Idempotency-Replayed', 'true')
    return isNew ? c.json(body, 201) : c.json(body, 200)
  })
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const { data, nextCursor } = await listCredentials(call, organization, c.req.valid('query'))
    return c.json({ data: data.map(toWireCredential), next_cursor: nextCursor }, 200)
  })
  routes.openapi(read, async (c) => {
    const call = callOf(services, c)
    const { org, tracked_credential } = c.req.valid('param')
    const { history, ...view } = await readCredential(call, await findOrganization(call, org), tracked_credential)
    return c.json({ ...toWireCredential(view), history: history.map(toWireFacts) }, 200)
  })
  routes.openapi(edit, async (c) => {
    const call = callOf(services, c)
    const { org, tracked_credential } = c.req.valid('param')
    const organization = await findOrganization(call, org)
    return c.json(
      toWireCredential(await editCredential(call, organization, tracked_credential, c.req.valid('json'))),
      200,
    )
  })
  routes.openapi(renew, async (c) => {
    const { org, tracked_credential } = c.req.valid('param')
    const organization = await findOrganization(callOf(services, c), org)
    return answerOnce(
      services,
      c,
      200,
      (call) => renewCredential(call, organization, tracked_credential, c.req.valid('json')),
      toWireCredential,
    )
  })
  routes.openapi(forget, async (c) => {
    const call = callOf(services, c)
    const { org, tracked_credential } = c.req.valid('param')
    await forgetCredential(call, await findOrganization(call, org), tracked_credential)
    return c.body(null, 204)
  })
  return routes
}
