import { OpenAPIHono } from '@hono/zod-openapi'
import type { Clock } from '../kernel/clock.ts'
import { DomainError } from '../kernel/errors.ts'
import { consoleRoutes } from './console.ts'
import type { Env, Services } from './context.ts'
import { docsRoutes } from './docs.ts'
import { answerError } from './errors.ts'
import {
  exceptFor,
  identifyRequest,
  limitBody,
  logRequests,
  neverCached,
  requireCaller,
  strictBody,
} from './middleware.ts'
import { pageRoutes } from './pages.ts'
import { recordRefusals } from './refusals.ts'
import { auditRoutes } from './routes/audit.ts'
import { calendarRoutes } from './routes/calendar.ts'
import { channelRoutes } from './routes/channels.ts'
import { claimRoutes } from './routes/claim.ts'
import { claimLinkRoutes } from './routes/claim-links.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { dryRunRoutes } from './routes/dry-run.ts'
import { expirationRoutes } from './routes/expirations.ts'
import { exportRoutes } from './routes/export.ts'
import { feedTokenRoutes } from './routes/feed-tokens.ts'
import { findingRoutes } from './routes/findings.ts'
import { importPath, importRoutes } from './routes/import.ts'
import { keyListRoutes } from './routes/key-lists.ts'
import { keyRoutes } from './routes/keys.ts'
import { meRoutes } from './routes/me.ts'
import { memberRoutes } from './routes/members.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { oauthRoutes } from './routes/oauth.ts'
import { organizationImportPath, organizationImportRoutes } from './routes/organization-import.ts'
import { organizationRoutes } from './routes/organizations.ts'
import { outboxRoutes } from './routes/outbox.ts'
import { publishedRoutes } from './routes/published.ts'
import { reminderPageRoutes } from './routes/reminder-pages.ts'
import { reminderRoutes } from './routes/reminders.ts'
import { rotationRoutes } from './routes/rotation.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { signingKeyRoutes } from './routes/signing-keys.ts'
import { trackedCredentialRoutes } from './routes/tracked-credentials.ts'
import { usageRoutes } from './routes/usage.ts'
import { selfRoutes, verifyRoutes } from './routes/verify.ts'
import { version } from './version.ts'

/** These read their bodies by rules of their own. */
const hasOwnBody = new RegExp(`${importPath.source}|${organizationImportPath.source}`)

/** The whole HTTP interface. What comes first is asked first. */
export function createApp(services: Services, clock: Clock): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>()
  app.onError((error, c) => answerError(services.log, error, c))
  app.notFound(() => {
    throw new DomainError('route_not_found')
  })
  app.use(identifyRequest(clock), logRequests(services.log, clock))

  app.get('/healthz', (c) => c.json({ status: 'alive' }))
  app.get('/readyz', async (c) => {
    const why = await services.whyNotReady()
    return why === null ? c.json({ status: 'ready' }) : c.json({ status: 'not ready', detail: why }, 503)
  })
  app.get('/metrics', async (c) =>
    c.body(await services.metrics.text(), 200, { 'Content-Type': services.metrics.type }),
  )
  app.route('/', docsRoutes())
  app.get('/openapi.json', (c) => c.json(describeApi(app)))

  app.use('/oauth/*', recordRefusals(services))
  app.route('/', oauthRoutes(services))
  app.route('/', publishedRoutes(services))
  app.route('/', pageRoutes(services))
  app.route('/', consoleRoutes(services))
  app.use('/v1/*', neverCached, recordRefusals(services))
  app.use('/v1/*', exceptFor(hasOwnBody, limitBody), exceptFor(hasOwnBody, strictBody))
  app.route('/', signInRoutes(services))
  app.route('/', claimRoutes(services))
  app.route('/', reminderPageRoutes(services))
  app.route('/', selfRoutes(services))
  app.route('/', calendarRoutes(services))
  // Here too: further down `self` would be the id of a key, and other methods would look for that.
  refuseOtherMethods(app)
  app.use('/v1/*', requireCaller(services))
  app.route('/', meRoutes(services))
  app.route('/', organizationRoutes(services))
  app.route('/', keyListRoutes(services))
  app.route('/', importRoutes(services))
  app.route('/', exportRoutes(services))
  app.route('/', organizationImportRoutes(services))
  app.route('/', expirationRoutes(services))
  app.route('/', feedTokenRoutes(services))
  app.route('/', findingRoutes(services))
  app.route('/', dryRunRoutes(services))
  app.route('/', reminderRoutes(services))
  app.route('/', outboxRoutes(services))
  app.route('/', trackedCredentialRoutes(services))
  app.route('/', channelRoutes(services))
  app.route('/', deliveryRoutes(services))
  app.route('/', claimLinkRoutes(services))
  app.route('/', keyRoutes(services))
  app.route('/', verifyRoutes(services))
  app.route('/', rotationRoutes(services))
  app.route('/', usageRoutes(services))
  app.route('/', auditRoutes(services))
  app.route('/', memberRoutes(services))
  app.route('/', nodeRoutes(services))
  app.route('/', signingKeyRoutes(services))
  refuseOtherMethods(app)
  return app
}

/** A path that exists under another method is 405 with the methods there are (RFC 9110 §15.5.6), not 404. */
function refuseOtherMethods(app: OpenAPIHono<Env>): void {
  const methods = new Map<string, Set<string>>()
  for (const { path, method } of app.routes) {
    if (method === 'ALL' || path.includes('*')) continue
    const known = methods.get(path) ?? new Set<string>()
    known.add(method)
    if (method === 'GET') known.add('HEAD')
    methods.set(path, known)
  }
  for (const [path, known] of methods) {
    const allow = [...known].sort()
    app.all(path, (c) => {
      c.header('Allow', allow.join(', '))
      throw new DomainError('method_not_allowed', { allow })
    })
  }
}

function describeApi(app: OpenAPIHono<Env>) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'managementKey', { type: 'http', scheme: 'bearer' })
  app.openAPIRegistry.registerComponent('securitySchemes', 'theKeyItself', { type: 'http', scheme: 'bearer' })
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'keyturn.session_token',
  })
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Keyturn',
      version,
      description:
        'API keys that never surprise anybody. Errors are problems (RFC 9457); every code is at [/docs/errors](/docs/errors).',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'This installation' }],
  })
}
