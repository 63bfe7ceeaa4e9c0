import type { Context } from 'hono'
import { Hono } from 'hono'
import { DomainError } from '../kernel/errors.ts'
import { randomBase62 } from '../kernel/random.ts'
import { isSetUp } from '../people/set-up.ts'
import type { ConsoleFile } from './console-files.ts'
import type { Env, Services } from './context.ts'
import { neverCached } from './middleware.ts'
import { deviceOf, hasSession } from './session.ts'

/**
 * Nothing from elsewhere, and no script that is not a file of ours. The nonce is for styles alone, which Mantine makes at run time: who
 * could read it could draw, not run.
 */
const policyWith = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')

/** Stands in the built page where the nonce belongs. */
const placeForNonce = '__STYLE_NONCE__'

const isSignedIn = async (services: Services, c: Context<Env>): Promise<boolean> =>
  hasSession(services, c) && (await services.signIn.findSession(deviceOf(services, c))) !== null

/** The console: one page, which talks to the API with the session, and its files. And where `/` leads. */
export function consoleRoutes(services: Services): Hono<Env> {
  const files = services.console
  const routes = new Hono<Env>()
  routes.get('/', neverCached, async (c) => {
    if (!(await isSetUp(services.ground.reader))) return c.redirect('/set-up', 302)
    if (!(await isSignedIn(services, c))) return c.redirect('/sign-in', 302)
    return c.redirect(files ? '/console' : '/signed-in', 302)
  })
  if (!files) return routes

  // Their names hold a digest of what is in them.
  routes.get('/console/assets/:name', (c) => {
    const file = files.get(`assets/${c.req.param('name')}`)
    if (!file) throw new DomainError('route_not_found')
    const { body, encoding } = pack(file, c.req.header('accept-encoding') ?? '')
    return c.body(body, 200, {
      'Content-Type': file.type,
      'Cache-Control': 'public, max-age=31536000, immutable',
      Vary: 'Accept-Encoding',
      ...(encoding !== null && { 'Content-Encoding': encoding }),
    })
  })
  const page = new TextDecoder().decode(files.get('index.html')?.plain)
  const answer = async (c: Context<Env>) => {
    // Here, and not by a call that fails: whoever is not signed in is not even shown an empty page.
    if (!(await isSignedIn(services, c))) {
      const { pathname, search } = new URL(c.req.url)
      return c.redirect(`/sign-in?next=${encodeURIComponent(`${pathname}${search}`)}`, 302)
    }
    const nonce = randomBase62(22)
    return c.body(page.replace(placeForNonce, nonce), 200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policyWith(nonce),
      'X-Robots-Tag': 'noindex, nofollow, noarchive',
    })
  }
  routes.get('/console', neverCached, answer)
  routes.get('/console/*', neverCached, answer)
  return routes
}

function pack({ plain, gzip, brotli }: ConsoleFile, accepted: string) {
  if (/\bbr\b/.test(accepted)) return { body: brotli, encoding: 'br' }
  if (/\bgzip\b/.test(accepted)) return { body: gzip, encoding: 'gzip' }
  return { body: plain, encoding: null }
}
