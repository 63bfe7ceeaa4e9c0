import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Logger } from 'pino'
import type { Clock } from '../kernel/clock.ts'
import { DomainError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { authenticate } from '../people/authenticate.ts'
import { authenticateHolder } from '../rotation/rotate-own-key.ts'
import { pathForLog } from './claim-page/address.ts'
import { addressOf, type Env, type Services } from './context.ts'
import { hasSession, takeSession } from './session.ts'
import { parseStrictJson } from './strict-json.ts'

export const largestBody = 256 * 1024

/** Every answer names its request; what the caller or a proxy sent is kept if it is harmless. */
export function identifyRequest(clock: Clock): MiddlewareHandler<Env> {
  return async (c, next) => {
    const given = c.req.header('x-request-id')
    const requestId = given && /^[\w.:-]{1,100}$/.test(given) ? given : newId('request', clock.wallTime())
    c.set('requestId', requestId)
    await next()
    c.header('X-Request-Id', requestId)
    c.header('X-Content-Type-Options', 'nosniff')
    // Not `no-referrer`: with that, browsers on plain HTTP hide from us that a form was one of ours (Origin: null, Fetch §3.1).
    c.header('Referrer-Policy', 'same-origin')
  }
}

// One line each would be more than all others together.
const unlogged = new Set(['/v1/verify', '/healthz', '/readyz', '/metrics'])

/** One line for each call of the management API: who did what, and how it went. */
export function logRequests(log: Logger, clock: Clock): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (unlogged.has(c.req.path)) return next()
    const startedAt = clock.monotonic()
    await next()
    // A call that failed before it was authenticated has no caller.
    const caller: Env['Variables']['caller'] | undefined = c.get('caller')
    log.info(
      {
        request_id: c.get('requestId'),
        method: c.req.method,
        path: pathForLog(c.req.path),
        status: c.res.status,
        ms: Math.round(clock.monotonic() - startedAt),
        caller: caller?.actor.id ?? caller?.actor.type,
        address: addressOf(c),
      },
      'request',
    )
  }
}

/** Answers of the API are for whoever asked, now: many hold secrets, all of them age. */
export const neverCached: MiddlewareHandler<Env> = async (c, next) => {
  await next()
  c.header('Cache-Control', 'no-store')
}

/** What is announced as too large is not touched: it runs out unread, and the connection can be used again. */
export function limitBodyTo(limit: number): MiddlewareHandler<Env> {
  const refuse = (): never => {
    throw new DomainError('body_too_large', { limit })
  }
  const limitStream = bodyLimit({ maxSize: limit, onError: refuse })
  return (c, next) => (Number(c.req.header('content-length') ?? 0) > limit ? refuse() : limitStream(c, next))
}

export const limitBody = limitBodyTo(largestBody)

/** All but what matches: that has rules of its own, further on. */
export const exceptFor =
  (path: RegExp, handler: MiddlewareHandler<Env>): MiddlewareHandler<Env> =>
  (c, next) =>
    path.test(c.req.path) ? next() : handler(c, next)

/** Checks a body before any schema sees it. A missing one is an empty object. */
export const strictBody: MiddlewareHandler<Env> = async (c, next) => {
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
    const octets = new Uint8Array(await c.req.arrayBuffer())
    if (octets.length > 0) {
      const type = c.req.header('content-type') ?? ''
      if (!/^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i.test(type))
        throw new DomainError('unsupported_media_type')
      parseStrictJson(octets)
    } else if (c.req.header('content-type') !== undefined) {
      // What is announced as JSON is read as such further on, and nothing is not JSON.
      Object.assign(c.req.bodyCache, { text: Promise.resolve('{}') })
    }
  }
  await next()
}

/**
 * A management key, or the session of a person. A key that is sent counts alone: whatever cookies a browser adds.
 *
 * @throws DomainError unauthenticated, ambiguous_credentials, invalid_token, management_key_required, cross_site_request
 */
export function requireCaller(services: Services): MiddlewareHandler<Env> {
  return async (c, next) => {
    const header = c.req.header('authorization')
    if ((header === undefined || header.trim() === '') && hasSession(services, c)) {
      await takeSession(services, c)
      return next()
    }
    const bearer = bearerOf(header)
    c.set('caller', (await authenticate(services.verifier, bearer, addressOf(c))).caller)
    c.set('bearer', bearer)
    return next()
  }
}

/**
 * For what a holder does to its own key, with the key itself. Other methods go on to be told which there are.
 *
 * @throws DomainError unauthenticated, ambiguous_credentials, invalid_token, publishable_key_refused, insufficient_scope
 */
export function requireHolder(services: Services): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (c.req.method !== 'POST') return next()
    const bearer = bearerOf(c.req.header('authorization'))
    const holder = await authenticateHolder(services.verifier, bearer, addressOf(c))
    c.set('caller', holder.caller)
    c.set('bearer', bearer)
    c.set('holder', holder)
    return next()
  }
}

/** RFC 6750 §2.1. @throws DomainError unauthenticated, ambiguous_credentials */
export function bearerOf(header: string | undefined): string {
  if (header === undefined || header.trim() === '') throw new DomainError('unauthenticated')
  const token = /^Bearer +([^\s,]{1,4096})$/i.exec(header.trim())?.[1]
  if (token === undefined) throw new DomainError('ambiguous_credentials')
  return token
}
