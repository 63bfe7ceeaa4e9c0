import { findingPage, findingQuery } from '@keyturn/contract'
import { listFindings } from '../../expirations/list-findings.ts'
import { findOrganization } from '../../organizations/find.ts'
import { callOf, type Services } from '../context.ts'
import { toWireFinding } from '../finding-wire.ts'
import { jsonAnswer, managementRoute, newRoutes, organizationParam } from '../route.ts'

const list = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/organizations/{org}/findings',
  summary: 'What somebody should look at, and what to do about it',
  description:
    'Scope `keys:read`. What presses most first, then by key. Looked for when it is asked for: what was put right is gone. `code=review_due` is the list of keys to review.',
  tags: ['Expirations'],
  request: { params: organizationParam, query: findingQuery },
  responses: { 200: jsonAnswer('A page', findingPage) },
})

export function findingRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const { data, nextCursor } = await listFindings(call, organization, c.req.valid('query'))
    return c.json({ data: data.map(toWireFinding), next_cursor: nextCursor }, 200)
  })
  return routes
}
