import { z } from '@hono/zod-openapi'
import { nodeList, propagationSchema } from '@keyturn/contract'
import { requireRoot } from '../../people/permissions.ts'
import { callOf, type Services } from '../context.ts'
import { jsonAnswer, managementRoute, newRoutes } from '../route.ts'

const sequence = z
  .string()
  .regex(/^[1-9]\d{0,15}$/, 'must be a whole number from 1')
  .transform(Number)
  .refine(Number.isSafeInteger, 'must be at most 9007199254740991')
  .meta({ type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const list = managementRoute({
  action: 'installation:read',
  method: 'get',
  path: '/v1/nodes',
  summary: 'The processes that answer verdicts',
  description: 'With the root key.',
  tags: ['Nodes'],
  responses: { 200: jsonAnswer('All of them', nodeList) },
})
const read = managementRoute({
  action: 'propagations:read',
  method: 'get',
  path: '/v1/propagations/{sequence}',
  summary: 'How far has a change come?',
  description: 'With any management key.',
  tags: ['Nodes'],
  request: { params: z.object({ sequence }) },
  responses: { 200: jsonAnswer('How far', propagationSchema) },
})

export function nodeRoutes(services: Services) {
  const { propagation, registry } = services
  const routes = newRoutes()
  routes.openapi(list, async (c) => {
    requireRoot(callOf(services, c).caller)
    const data = (await registry.list()).map((node) => ({
      id: node.id,
      version: node.version,
      started_at: node.startedAt,
      applied_sequence: node.appliedSequence,
      lag: node.lag,
      lease: node.maxStalenessMs / 1000,
    }))
    return c.json({ data }, 200)
  })
  routes.openapi(read, async (c) => {
    const state = await propagation.state(c.req.valid('param').sequence)
    return c.json({ ...state, pending: [...state.pending] }, 200)
  })
  return routes
}
