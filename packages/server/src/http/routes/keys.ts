import { z } from '@hono/zod-openapi'
import {
  type ActionName,
  keyAnswer,
  keyCancel,
  keyCreate,
  keyCreated,
  keyDelete,
  keyEdit,
  keyExtend,
  keyFinish,
  keyPromote,
  keyRevoke,
  keyRevoked,
  keyRotate,
  keySchema,
  managementKeyCreate,
  secretStage,
} from '@keyturn/contract'
import { formatTime } from '../../kernel/instant.ts'
import type { ChangedKey } from '../../keys/change-secrets.ts'
import { disableKey, enableKey } from '../../keys/disable-key.ts'
import { editKey } from '../../keys/edit-key.ts'
import { readKey } from '../../keys/find-key.ts'
import { issueKey } from '../../keys/issue-key.ts'
import { issueManagementKey } from '../../keys/management-keys.ts'
import { reviewKey } from '../../keys/review-key.ts'
import { deleteKey, revokeKey } from '../../keys/revoke-key.ts'
import type { KeyView } from '../../keys/view-keys.ts'
import { findOrganization, findProject } from '../../organizations/find.ts'
import { requireScope } from '../../people/permissions.ts'
import { extendKey } from '../../rotation/extend-key.ts'
import {
  cancelRotation,
  finishRotation,
  promoteSecret,
  revokeSecret,
  rotateKey,
  stageSecret,
} from '../../rotation/rotate-key.ts'
import { knownOfflineBy } from '../../signing/status-list.ts'
import { answerOnce, callOf, doOnce, type Services } from '../context.ts'
import { toWireComing } from '../reminder-wire.ts'
import {
  emptyBody,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  keyParam,
  managementRoute,
  newRoutes,
  organizationParam,
  projectParam,
} from '../route.ts'
import { toWireIssued, toWireKey, toWireRotated } from '../wire.ts'

const tags = ['Keys']

const create = managementRoute({
  action: 'keys:create',
  method: 'post',
  path: '/v1/projects/{project}/keys',
  summary: 'Create a key',
  description: 'Scope `keys:write`. Only `name` is required. The answer shows the value of a secret key this once.',
  tags,
  request: { params: projectParam, headers: idempotencyHeader, body: jsonBody(keyCreate) },
  responses: { 201: jsonAnswer('The key and its first secret', keyCreated) },
})
const createForManagement = managementRoute({
  action: 'management_keys:create',
  method: 'post',
  path: '/v1/organizations/{org}/management-keys',
  summary: 'Create a management key',
  description: 'Scope `management:write`, and at least the scopes and projects that the new key is to have.',
  tags: ['Management keys'],
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(managementKeyCreate) },
  responses: { 201: jsonAnswer('The key and its first secret', keyCreated) },
})
const read = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/keys/{key}',
  summary: 'Read a key',
  description: 'Scope `keys:read`.',
  tags,
  request: { params: keyParam },
  responses: { 200: jsonAnswer('The key', keySchema) },
})
const edit = managementRoute({
  action: 'keys:edit',
  method: 'patch',
  path: '/v1/keys/{key}',
  summary: 'Rename or edit a key',
  description: 'Scope `keys:write`. Never changes a value, nor when it ends.',
  tags,
  request: { params: keyParam, body: jsonBody(keyEdit) },
  responses: { 200: jsonAnswer('The key', keySchema) },
})

const operation = <const A extends string, S extends z.ZodType>(
  action: ActionName,
  name: A,
  summary: string,
  description: string,
  body: S,
  required = false,
) =>
  managementRoute({
    action,
    method: 'post',
    path: `/v1/keys/{key}/${name}` as const,
    summary,
    description: `Scope \`keys:write\`. ${description}`,
    tags,
    request: { params: keyParam, headers: idempotencyHeader, body: { ...jsonBody(body), required } },
    responses: { 200: jsonAnswer('The key', keyAnswer) },
  })
const extend = operation(
  'keys:change',
  'extend',
  'Extend a key',
  'To a later time, within the maximum lifetime of the policy.',
  keyExtend,
  true,
)
const rotate = managementRoute({
  action: 'keys:rotate',
  method: 'post',
  path: '/v1/keys/{key}/rotate',
  summary: 'Rotate a key',
  description:
    'Scope `keys:write`. A new secret becomes the primary; the old one goes on for the overlap. The key keeps its id, and all else.',
  tags,
  request: { params: keyParam, headers: idempotencyHeader, body: { ...jsonBody(keyRotate), required: false } },
  responses: { 200: jsonAnswer('The key and its new secret', keyCreated) },
})
const stage = managementRoute({
  action: 'keys:rotate',
  method: 'post',
  path: '/v1/keys/{key}/secrets',
  summary: 'Stage a second secret',
  description:
    'Scope `keys:write`. Valid beside the primary, without an end to that, until it is promoted or cancelled.',
  tags,
  request: { params: keyParam, headers: idempotencyHeader, body: { ...jsonBody(secretStage), required: false } },
  responses: { 201: jsonAnswer('The key and its staged secret', keyCreated) },
})
const promote = operation(
  'keys:rotate',
  'promote',
  'Promote the staged secret',
  'The old primary goes on for the overlap.',
  keyPromote,
)
const finish = operation(
  'keys:rotate',
  'finish',
  'End the overlap now',
  'Wants `force` where the old secret was called in the last hour.',
  keyFinish,
)
const cancel = operation(
  'keys:rotate',
  'cancel',
  'Take a rotation or a staged secret back',
  'The newer secret is revoked. Wants `force` where it was called.',
  keyCancel,
)
const disable = operation(
  'keys:change',
  'disable',
  'Disable a key',
  'Every request with it is refused until it is enabled again.',
  emptyBody,
)
const enable = operation('keys:change', 'enable', 'Enable a key', 'Lets a disabled key work again.', emptyBody)
const review = operation(
  'keys:change',
  'review',
  'Mark a key reviewed',
  'Somebody has looked at its owner, scopes and use and found them right; the policy (review_every) counts from now on.',
  emptyBody,
)
const revoke = managementRoute({
  action: 'keys:change',
  method: 'post',
  path: '/v1/keys/{key}/revoke',
  summary: 'Revoke a key',
  description:
    'Scope `keys:write`. For ever; the record stays. With `wait` the answer comes once no node accepts the key any more; who verifies a JWT key offline knows by `offline_until`.',
  tags,
  request: { params: keyParam, headers: idempotencyHeader, body: { ...jsonBody(keyRevoke), required: false } },
  responses: {
    200: jsonAnswer('Revoked; complete where it was waited for', keyRevoked),
    202: jsonAnswer('Revoked; the wait timed out before every node had reported it', keyRevoked),
  },
})
// Shorter than the time-outs of most clients and proxies.
const defaultWaitSeconds = 25
const remove = managementRoute({
  action: 'keys:delete',
  method: 'delete',
  path: '/v1/keys/{key}',
  summary: 'Delete a key',
  description:
    'Scope `keys:write`. Wants `DELETE` as confirmation. Revokes the key first if need be; its history stays on record.',
  tags,
  request: {
    params: keyParam,
    query: z.strictObject({ confirm: z.string().max(100).optional() }),
    body: { ...jsonBody(keyDelete), required: false },
  },
  responses: { 204: { description: 'Deleted' } },
})

const presentKey = (view: KeyView) => ({ key: toWireKey(view), reminders: toWireComing(view) })
const presentChanged = ({ view }: ChangedKey) => presentKey(view)

export function keyRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(create, async (c) => {
    const outer = callOf(services, c)
    requireScope(outer.caller, 'keys:write')
    const project = await findProject(outer, c.req.valid('param').project)
    return answerOnce(services, c, 201, (call) => issueKey(call, project, c.req.valid('json')), toWireIssued)
  })
  routes.openapi(createForManagement, async (c) => {
    const organization = await findOrganization(callOf(services, c), c.req.valid('param').org)
    const wanted = c.req.valid('json')
    return answerOnce(services, c, 201, (call) => issueManagementKey(call, organization, wanted), toWireIssued)
  })
  routes.openapi(read, async (c) =>
    c.json(toWireKey(await readKey(callOf(services, c), c.req.valid('param').key)), 200),
  )
  routes.openapi(edit, async (c) =>
    c.json(toWireKey(await editKey(callOf(services, c), c.req.valid('param').key, c.req.valid('json'))), 200),
  )
  routes.openapi(extend, (c) =>
    answerOnce(
      services,
      c,
      200,
      (call) => extendKey(call, c.req.valid('param').key, c.req.valid('json')),
      presentChanged,
    ),
  )
  routes.openapi(rotate, (c) =>
    answerOnce(
      services,
      c,
      200,
      (call) => rotateKey(call, c.req.valid('param').key, c.req.valid('json')),
      toWireRotated,
    ),
  )
  routes.openapi(stage, (c) =>
    answerOnce(
      services,
      c,
      201,
      (call) => stageSecret(call, c.req.valid('param').key, c.req.valid('json')),
      toWireRotated,
    ),
  )
  routes.openapi(promote, (c) =>
    answerOnce(
      services,
      c,
      200,
      (call) => promoteSecret(call, c.req.valid('param').key, c.req.valid('json')),
      presentChanged,
    ),
  )
  routes.openapi(finish, async (c) => {
    await services.flushUses(c.req.valid('param').key)
    const wanted = c.req.valid('json')
    return answerOnce(
      services,
      c,
      200,
      (call) => finishRotation(call, c.req.valid('param').key, wanted),
      presentChanged,
    )
  })
  routes.openapi(cancel, async (c) => {
    await services.flushUses(c.req.valid('param').key)
    const wanted = c.req.valid('json')
    return answerOnce(
      services,
      c,
      200,
      (call) => cancelRotation(call, c.req.valid('param').key, wanted),
      presentChanged,
    )
  })
  routes.openapi(disable, (c) =>
    answerOnce(services, c, 200, (call) => disableKey(call, c.req.valid('param').key), presentKey),
  )
  routes.openapi(review, (c) =>
    answerOnce(services, c, 200, (call) => reviewKey(call, c.req.valid('param').key), presentKey),
  )
  routes.openapi(enable, (c) =>
    answerOnce(services, c, 200, (call) => enableKey(call, c.req.valid('param').key), presentKey),
  )
  routes.openapi(revoke, async (c) => {
    const { reason, slot, wait, wait_timeout } = c.req.valid('json')
    const { body: revoked, repeated } = await doOnce(
      services,
      c,
      200,
      async (call): Promise<ChangedKey | KeyView> => {
        const { key } = c.req.valid('param')
        return slot === undefined ? revokeKey(call, key, reason || null) : revokeSecret(call, key, slot, reason || null)
      },
      (revoked) => ({ key: toWireKey('view' in revoked ? revoked.view : revoked) }),
    )
    // How far it has come is never part of the answer that is kept for a repeated request: it is asked anew each time.
    const { propagation, ground } = services
    const offlineUntil = revoked.key.kind === 'jwt' ? knownOfflineBy(await ground.now(ground.reader)) : null
    const sequence = await propagation.newest()
    const timeoutMs = wait === undefined ? 0 : 1000 * (wait_timeout ?? defaultWaitSeconds)
    const state = await propagation.wait(sequence, timeoutMs)
    if (repeated) c.header('Idempotency-Replayed', 'true')
    const offline_until = offlineUntil === null ? null : formatTime(offlineUntil)
    const body = { ...revoked, propagation: { ...state, pending: [...state.pending], offline_until } }
    return wait !== undefined && !state.complete ? c.json(body, 202) : c.json(body, 200)
  })
  routes.openapi(remove, async (c) => {
    const confirmation = c.req.valid('json').confirm ?? c.req.valid('query').confirm
    await deleteKey(callOf(services, c), c.req.valid('param').key, confirmation)
    return c.body(null, 204)
  })
  return routes
}
