import { usageAnswer, usageQuery } from '@keyturn/contract'
import { readUsage } from '../../usage/read-usage.ts'
import { callOf, type Services } from '../context.ts'
import { jsonAnswer, keyParam, managementRoute, newRoutes } from '../route.ts'

const read = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/keys/{key}/usage',
  summary: 'How often was a key called?',
  description:
    'Scope `keys:read`. By secret and verdict, of the last 24 hours or, with `step=day`, of the last 30 days, unless `from` and `to` say otherwise; widened to whole steps in UTC, at most 1,000 of them. Hours are kept for 35 days, days for 400. What is only a few seconds old may be missing.',
  tags: ['Keys'],
  request: { params: keyParam, query: usageQuery },
  responses: { 200: jsonAnswer('Counts', usageAnswer) },
})

export function usageRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(read, async (c) =>
    c.json(await readUsage(callOf(services, c), c.req.valid('param').key, c.req.valid('query')), 200),
  )
  return routes
}
