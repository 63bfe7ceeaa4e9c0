import { cutOverSchema } from '@keyturn/contract'
import { readCutOver } from '../../rotation/read-cut-over.ts'
import { callOf, type Services } from '../context.ts'
import { jsonAnswer, keyParam, managementRoute, newRoutes } from '../route.ts'
import { toWireCutOver } from '../wire.ts'

const cutOver = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/keys/{key}/rotation',
  summary: 'How far is the cut-over?',
  description:
    'Scope `keys:read`. Of each live secret, and of one that has ended and is still called: how often, when last, from where, its longest pause, and in words what that means for finishing the rotation.',
  tags: ['Keys'],
  request: { params: keyParam },
  responses: { 200: jsonAnswer('The cut-over', cutOverSchema) },
})

export function rotationRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(cutOver, async (c) => {
    const { key } = c.req.valid('param')
    await services.flushUses(key)
    return c.json(toWireCutOver(await readCutOver(callOf(services, c), key)), 200)
  })
  return routes
}
