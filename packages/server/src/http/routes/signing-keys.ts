import {
  signingKeyAnswer,
  signingKeyList,
  signingKeyRotate,
  type SigningKey as WireSigningKey,
} from '@keyturn/contract'
import { formatInstant, formatTime } from '../../kernel/instant.ts'
import { listSigningKeys, rotateSigningKey, type SigningKeysView } from '../../signing/rotate-signing-key.ts'
import { isPublishedAt, type SigningKey, signingKeyStatusAt, signsUntil } from '../../signing/signing-key.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import { idempotencyHeader, jsonAnswer, jsonBody, managementRoute, newRoutes } from '../route.ts'

const tags = ['Signing keys']

const list = managementRoute({
  action: 'installation:read',
  method: 'get',
  path: '/v1/signing-keys',
  summary: 'The keys that sign tokens',
  description: 'With the root key. All there ever were, oldest first. The first is made with the first JWT key.',
  tags,
  responses: { 200: jsonAnswer('All of them', signingKeyList) },
})
const rotate = managementRoute({
  action: 'signing_keys:rotate',
  method: 'post',
  path: '/v1/signing-keys/rotate',
  summary: 'Rotate the key that signs tokens',
  description:
    'With the root key. The new one is published at once and signs 15 minutes later; the former one stays published until the last token that it signed has ended.',
  tags,
  request: { headers: idempotencyHeader, body: { ...jsonBody(signingKeyRotate), required: false } },
  responses: { 200: jsonAnswer('The new one', signingKeyAnswer) },
})

export function signingKeyRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(list, async (c) => {
    const view = await listSigningKeys(callOf(services, c))
    return c.json({ data: view.keys.map((key) => toWire(key, view)) }, 200)
  })
  routes.openapi(rotate, (c) =>
    answerOnce(
      services,
      c,
      200,
      (call) => rotateSigningKey(call, c.req.valid('json')),
      (view) => ({ signing_key: toWire(view.made, view) }),
    ),
  )
  return routes
}

function toWire(key: SigningKey, { keys, now }: SigningKeysView): WireSigningKey {
  return {
    id: key.id,
    algorithm: 'EdDSA',
    status: signingKeyStatusAt(key, keys, now),
    in_jwks: isPublishedAt(key, keys, now),
    created_at: formatTime(key.createdAt),
    created_by: key.createdBy,
    signs_from: formatTime(key.signsFrom),
    signs_until: formatInstant(signsUntil(key, keys)),
    last_token_ends_at: key.lastTokenEndsAt === null ? null : formatTime(key.lastTokenEndsAt),
    withdrawn_at: key.withdrawnAt === null ? null : formatTime(key.withdrawnAt),
  }
}
