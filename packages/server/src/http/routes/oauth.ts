import type { Context } from 'hono'
import { Hono } from 'hono'
import { DomainError } from '../../kernel/errors.ts'
import { endOwnKey } from '../../keys/end-own-key.ts'
import { authenticate } from '../../people/authenticate.ts'
import { requireScope } from '../../people/permissions.ts'
import { isVerifiableBy } from '../../verification/verify.ts'
import { addressOf, type Env, type Services } from '../context.ts'
import { limitBody, neverCached } from '../middleware.ts'

/** The errors of RFC 6749 §5.2, which RFC 7662 §2.3 and RFC 7009 §2.2.1 use. */
class OAuthError extends Error {
  readonly status: 400 | 401 | 403 | 503
  readonly code: string

  constructor(status: 400 | 401 | 403 | 503, code: string, description: string) {
    super(description)
    this.status = status
    this.code = code
  }
}

/** Token introspection (RFC 7662) and revocation (RFC 7009), for software that knows these and not us. */
export function oauthRoutes(services: Services): Hono<Env> {
  const { ground, verifier, counts, publicUrl } = services
  const routes = new Hono<Env>()
  routes.onError((error, c) => answerOAuthError(toOAuthError(error), error, c))
  routes.use('/oauth/*', neverCached, limitBody)

  // RFC 7662 §2.1: the caller authenticates; here with a management key that has the scope `verify`.
  routes.post('/oauth/introspect', async (c) => {
    const form = await readForm(c)
    const { caller } = await authenticate(verifier, credentialOf(c, form), addressOf(c))
    c.set('caller', caller)
    requireScope(caller, 'verify')
    const kinds = ['secret', 'jwt'] as const
    const { code, record } = await verifier.inspect(tokenOf(form), { kinds }, (found) => isVerifiableBy(caller, found))
    counts.introspect[code]++
    // §2.2: of a token that is not active nothing else is said.
    if (code !== 'VALID' || record === null) return c.json({ active: false })
    return c.json({
      active: true,
      scope: record.scopes.join(' '),
      client_id: record.keyId,
      ...(record.owner !== null && { username: record.owner }),
      token_type: 'Bearer',
      ...(Number.isFinite(record.end) && { exp: Math.floor(record.end / 1000) }),
      sub: record.keyId,
      aud: record.project.projectId,
      iss: publicUrl,
      jti: record.secretId,
    })
  })

  // RFC 7009 §2.1: holding the token is what entitles to end it. §2.2: an unknown one is a success, it does not work.
  routes.post('/oauth/revoke', async (c) => {
    const form = await readForm(c)
    const origin = { requestId: c.get('requestId'), address: addressOf(c) }
    await endOwnKey(ground, verifier, tokenOf(form), origin, 'ended by a holder through /oauth/revoke')
    return c.body(null, 200)
  })
  return routes
}

async function readForm(c: Context<Env>): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? '')) {
    throw new OAuthError(400, 'invalid_request', 'Send application/x-www-form-urlencoded.')
  }
  const form = new URLSearchParams(await c.req.text())
  // RFC 6749 §3.2: parameters must not be included more than once.
  for (const name of form.keys()) {
    if (form.getAll(name).length > 1) throw new OAuthError(400, 'invalid_request', `${name} is given twice.`)
  }
  return form
}

function tokenOf(form: URLSearchParams): string {
  const token = form.get('token')
  if (token === null || token === '') throw new OAuthError(400, 'invalid_request', 'token is missing.')
  return token
}

/** A bearer, or as a client's secret: in the header (RFC 6749 §2.3.1) or in the form. The client's id is not looked at. */
function credentialOf(c: Context<Env>, form: URLSearchParams): string {
  const header = c.req.header('authorization')
  const posted = form.get('client_secret')
  if (header !== undefined && posted !== null)
    throw new OAuthError(400, 'invalid_request', 'Authenticate in one way only.')
  if (posted !== null) return posted
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(header ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() === 'basic') {
    const pair = Buffer.from(value, 'base64').toString('utf8')
    const colon = pair.indexOf(':')
    if (colon >= 0) return decodeURIComponent(pair.slice(colon + 1).replaceAll('+', ' '))
  }
  throw new OAuthError(401, 'invalid_client', 'Authenticate with a management key.')
}

function toOAuthError(error: Error): OAuthError | null {
  if (error instanceof OAuthError) return error
  if (error instanceof URIError)
    return new OAuthError(401, 'invalid_client', 'The credential is not encoded as it should be.')
  if (!(error instanceof DomainError)) return null
  if (error.code === 'insufficient_scope')
    return new OAuthError(403, 'insufficient_scope', 'The management key lacks the scope verify.')
  if (error.code === 'publishable_key_refused') {
    return new OAuthError(
      400,
      'unsupported_token_type',
      'Publishable keys cannot be ended by whoever holds them: everybody does.',
    )
  }
  if (error.code === 'database_unavailable')
    return new OAuthError(503, 'temporarily_unavailable', 'Try again in a moment.')
  if (error.code === 'invalid_token' || error.code === 'management_key_required') {
    return new OAuthError(401, 'invalid_client', 'The credential is not accepted.')
  }
  return null
}

function answerOAuthError(known: OAuthError | null, error: Error, c: Context<Env>): Response {
  if (known === null) throw error
  if (known.status === 401) c.header('WWW-Authenticate', 'Bearer realm="keyturn", Basic realm="keyturn"')
  if (known.status === 503) c.header('Retry-After', '1')
  return c.json({ error: known.code, error_description: known.message }, known.status)
}
