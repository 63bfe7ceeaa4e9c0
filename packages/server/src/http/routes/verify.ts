import { z } from '@hono/zod-openapi'
import { keyCreated, ownKeySchema, renewalInfoSchema, verdictSchema, verifyRequest } from '@keyturn/contract'
import { readRenewalInfo } from '../../expirations/renewal-info.ts'
import { formatTime } from '../../kernel/instant.ts'
import { type OwnKey, readOwnKey } from '../../keys/own-key.ts'
import { requireScope } from '../../people/permissions.ts'
import { rotateOwnKey } from '../../rotation/rotate-own-key.ts'
import { toVerdict, verifyKey } from '../../verification/verify.ts'
import { warningAt } from '../../verification/warning.ts'
import { addressOf, answerOnce, type Services } from '../context.ts'
import { verdictLimitHeaders } from '../limit-headers.ts'
import { bearerOf, requireHolder } from '../middleware.ts'
import { apiRoute, emptyBody, idempotencyHeader, jsonAnswer, jsonBody, managementRoute, newRoutes } from '../route.ts'
import { endingHeaders } from '../verdict-text.ts'
import { toWireKey, toWireRotated } from '../wire.ts'

const verdictHeadersSchema = z.object({
  'X-Keyturn-Key-Expires-At': z.string().optional().describe('When the presented secret ends.'),
  'X-Keyturn-Key-Warning': z
    .string()
    .optional()
    .describe('A sentence, inside the last two reminder thresholds, or the second half of an overlap.'),
  'X-Keyturn-RateLimit-Policy': z
    .string()
    .optional()
    .describe(
      'Where the key has limits, to be handed on as RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).',
    ),
  'X-Keyturn-RateLimit': z.string().optional().describe('The same, as RateLimit: what is left.'),
  'X-Keyturn-Retry-After': z
    .string()
    .optional()
    .describe('Of RATE_LIMITED and QUOTA_EXCEEDED: seconds, to be handed on as Retry-After.'),
})

const verify = managementRoute({
  action: 'verdicts:ask',
  method: 'post',
  path: '/v1/verify',
  summary: 'May a request with this key pass?',
  description:
    'Scope `verify`. Always 200 with a verdict; errors are for calls that could not be understood. The headers say when the secret ends and, once that is near, a warning to hand on to the caller.',
  tags: ['Verification'],
  request: { body: jsonBody(verifyRequest) },
  responses: { 200: { ...jsonAnswer('The verdict', verdictSchema), headers: verdictHeadersSchema } },
})

const rotateSelf = apiRoute({
  method: 'post',
  path: '/v1/keys/self/rotate',
  summary: 'Rotate the key that this is called with',
  description:
    'With the key itself as bearer, which wants the scope `self:rotate`. The overlap and the lifetime are those of the policy. Where the answer was lost, call again with the old value: as long as the new one was not called, another is made.',
  tags: ['Keys'],
  security: [{ theKeyItself: [] }],
  request: {
    headers: idempotencyHeader,
    body: { ...jsonBody(emptyBody), required: false },
  },
  responses: { 200: jsonAnswer('The key and its new secret', keyCreated) },
})

const self = apiRoute({
  method: 'get',
  path: '/v1/keys/self',
  summary: 'What is this key?',
  description:
    'With the key itself as bearer. A refused one gets 401 with the verdict and why. Of its secrets only the presented one is told.',
  tags: ['Verification'],
  security: [{ theKeyItself: [] }],
  responses: { 200: jsonAnswer('The key', ownKeySchema) },
})

const renewalInfo = apiRoute({
  method: 'get',
  path: '/v1/keys/self/renewal-info',
  summary: 'When should this secret be renewed?',
  description:
    'With the key itself as bearer, in the manner of RFC 9773. The window begins at two thirds of the life of the presented secret, or of the time in which the policy wants it rotated; at once where an administrator asks for it, and for whoever still holds a retiring secret. Ask again after `retry_after`.',
  tags: ['Keys'],
  security: [{ theKeyItself: [] }],
  responses: { 200: jsonAnswer('The window', renewalInfoSchema) },
})

export function verifyRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(verify, async (c) => {
    const caller = c.get('caller')
    requireScope(caller, 'verify')
    const { key, ...demand } = c.req.valid('json')
    const finding = await verifyKey(services.verifier, caller, key, demand)
    const { code, record } = finding
    services.counts.verify[code]++
    const warning = code === 'VALID' && record ? warningAt(record, services.verifier.now()) : null
    const headers = [...endingHeaders(record, warning), ...verdictLimitHeaders(finding.charge)]
    for (const [name, value] of headers) c.header(name, value)
    return c.json(toVerdict(finding), 200)
  })
  return routes
}

/** Called with the key itself: no management key is asked for. */
export function selfRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(self, async (c) => {
    const own = await readOwnKey(
      services.ground,
      services.verifier,
      bearerOf(c.req.header('authorization')),
      addressOf(c),
    )
    return c.json(present(own), 200)
  })
  routes.openapi(renewalInfo, async (c) => {
    const bearer = bearerOf(c.req.header('authorization'))
    const advice = await readRenewalInfo(services.ground, services.verifier, bearer, addressOf(c))
    c.header('Retry-After', String(advice.retryAfterSeconds))
    return c.json(
      {
        suggested_window: advice.window && {
          start: formatTime(advice.window.start),
          end: formatTime(advice.window.end),
        },
        reason: advice.reason,
        now: formatTime(advice.now),
        retry_after: advice.retryAfterSeconds,
      },
      200,
    )
  })
  routes.use('/v1/keys/self/rotate', requireHolder(services))
  routes.openapi(rotateSelf, async (c) => {
    await services.flushUses(c.get('holder').keyId)
    return answerOnce(services, c, 200, (call) => rotateOwnKey(call, c.get('holder')), toWireRotated)
  })
  return routes
}

/** A holder is told nothing of another secret: somebody else may hold that, and who has a leaked one must not learn of its successor. */
function present({ finding, secret: own, view, organization, project }: OwnKey) {
  const { code, secret, expires_at } = toVerdict(finding)
  const key = toWireKey(view)
  const secrets = key.secrets.filter(({ id }) => id === own.id)
  return {
    valid: true as const,
    code,
    key: { ...key, secrets, last_used_at: secrets[0]?.last_used_at ?? null },
    secret,
    expires_at,
    organization: { id: organization.id, name: organization.name, slug: organization.slug },
    project: { id: project.id, name: project.name, slug: project.slug },
  }
}
