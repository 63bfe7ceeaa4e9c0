import { Hono } from 'hono'
import type { Env, Services } from '../context.ts'

// Verifiers keep keys for ten minutes; a key is published for longer than that before it signs (signing/signing-key.ts).
const keysMaxAge = 300
// Of the life of a list, which bounds what all caches on the way add up to.
const listMaxAge = 15

/** What those who verify offline read, from wherever they are: nothing in it is secret. */
export function publishedRoutes({ publisher }: Services): Hono<Env> {
  const routes = new Hono<Env>()
  const forEverybody = { 'Access-Control-Allow-Origin': '*' }

  // RFC 7517 §8.5.2. While there is none, the first may come, and sign, at any moment.
  routes.get('/.well-known/jwks.json', async (c) => {
    const { text, isEmpty } = await publisher.keys()
    const cacheControl = isEmpty ? 'no-cache' : `public, max-age=${keysMaxAge}`
    const headers = { 'Content-Type': 'application/jwk-set+json', 'Cache-Control': cacheControl, ...forEverybody }
    return c.body(text, 200, headers)
  })

  // Token Status List §8.1 and §8.2: one representation, whatever is accepted.
  routes.get('/status-lists/:list', async (c) => {
    const token = await publisher.statusList(c.req.param('list'))
    const cacheControl = `public, max-age=${listMaxAge}`
    const headers = { 'Content-Type': 'application/statuslist+jwt', 'Cache-Control': cacheControl, ...forEverybody }
    return c.body(token, 200, headers)
  })
  return routes
}
