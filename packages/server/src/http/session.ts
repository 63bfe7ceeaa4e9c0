import type { Context, MiddlewareHandler } from 'hono'
import { DomainError } from '../kernel/errors.ts'
import { cookieName as nameOfCookie } from '../people/cookie-names.ts'
import { callerAtDoor, enter } from '../people/enter.ts'
import type { Cookies, Device, HeldSession } from '../people/sign-in.ts'
import { clientAddress } from './client-address.ts'
import type { Env, Services } from './context.ts'

const yearSeconds = 365 * 86_400

const cookieName = (services: Services, name: 'session_token' | 'device') => nameOfCookie(services.publicUrl, name)

function cookieOf(c: Context<Env>, name: string): string | null {
  for (const pair of (c.req.header('cookie') ?? '').split(';')) {
    const [key, ...value] = pair.split('=')
    if (key?.trim() === name) return value.join('=').trim()
  }
  return null
}

/** What came with the request that says who it is from. */
export function deviceOf(services: Services, c: Context<Env>): Device {
  const { incoming } = c.env
  return {
    cookie: c.req.header('cookie') ?? null,
    userAgent: c.req.header('user-agent') ?? null,
    address: (incoming && clientAddress(incoming, services.proxies)) ?? null,
    mark: cookieOf(c, cookieName(services, 'device')),
  }
}

export function setCookies(c: Context<Env>, cookies: Cookies): void {
  for (const cookie of cookies) c.header('Set-Cookie', cookie, { append: true })
}

/** What the browser sends from now on, for looking up what was just opened. */
export const cookieFrom = (cookies: Cookies): string => cookies.map((cookie) => cookie.split(';')[0] ?? '').join('; ')

/** Whoever signs in again on this device is not kept out by others who guess. It opens nothing. */
export function setDeviceMark(services: Services, c: Context<Env>, mark: string): void {
  const name = cookieName(services, 'device')
  const flags = `Max-Age=${yearSeconds}; Path=/; HttpOnly; SameSite=Lax${name.startsWith('__Host-') ? '; Secure' : ''}`
  c.header('Set-Cookie', `${name}=${mark}; ${flags}`, { append: true })
}

const isSafe = (method: string) => method === 'GET' || method === 'HEAD'

/**
 * Does the request come from a page of ours? Browsers say so by Fetch Metadata (W3C) or, older ones and those on plain HTTP, by
 * Origin (RFC 6454). No page of another site can send either of them otherwise than it is.
 */
export function isSameSite(services: Services, c: Context<Env>): boolean | undefined {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const origin = c.req.header('origin')
  if (origin === undefined) return undefined
  if (!URL.canParse(origin)) return false
  const ours = new URL(services.publicUrl)
  const { host, protocol } = new URL(origin)
  // Under another name of this installation, too; but where there is TLS, what came without it could be anybody's.
  return (
    origin === ours.origin || (host === c.req.header('host') && (protocol === 'https:' || ours.protocol === 'http:'))
  )
}

/**
 * For what can be done without a session, as signing in: whoever says that they are another site's is. With a session, as for what
 * is done by it, a page of ours has to say that it is.
 *
 * @throws DomainError cross_site_request
 */
export function refuseCrossSite(services: Services): MiddlewareHandler<Env> {
  return async (c, next) => {
    const isOurs = isSameSite(services, c) ?? !hasSession(services, c)
    if (!isSafe(c.req.method) && !isOurs) throw new DomainError('cross_site_request')
    await next()
  }
}

export const hasSession = (services: Services, c: Context<Env>): boolean =>
  cookieOf(c, cookieName(services, 'session_token')) !== null

/**
 * Takes a session as the caller. What changes something has to say that it comes from a page of ours: the browser sends the cookie
 * along whoever asks it to.
 *
 * @throws DomainError cross_site_request, unauthenticated
 */
export async function takeSession(services: Services, c: Context<Env>): Promise<void> {
  if (!isSafe(c.req.method) && isSameSite(services, c) !== true) throw new DomainError('cross_site_request')
  const session = await services.signIn.findSession(deviceOf(services, c))
  if (!session) throw new DomainError('unauthenticated')
  c.set('session', session)
  c.set('caller', callerAtDoor(session))
  c.set('bearer', cookieOf(c, cookieName(services, 'session_token')) ?? '')
  c.set('enter', async (action, named) => {
    const { caller, refusal } = await enter(services.ground, session, action, named)
    c.set('caller', caller)
    if (refusal) throw refusal
  })
}

/** @throws DomainError session_required */
export function sessionOf(c: Context<Env>): HeldSession {
  const session = c.get('session')
  if (!session) throw new DomainError('session_required')
  return session
}

/** For what a person does about themselves: a session that a product gave is none of their own. @throws DomainError session_required */
export function ownSessionOf(c: Context<Env>): HeldSession {
  const session = sessionOf(c)
  if (session.organizationId !== null) throw new DomainError('session_required')
  return session
}
