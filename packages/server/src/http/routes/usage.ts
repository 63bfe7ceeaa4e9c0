import { usageAnswer, usageQuery } from '@keyturn/contract'
import { readUsage } from '../../usage/read-usage.ts'
import { callOf, type Services } from '../context.ts'
import { jsonAnswer, keyParam, managementRoute, newRoutes } from '../route.ts'

const read = managementRoute({
  method: 'get',
  path: '/v1/keys/{key}/usage',
  summary: 'How often was a key called?',
  description: 'Scope `keys:read`. By secret and verdict; hours are kept for 35 days, days for 400.',
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
