import { findOrganization } from '../../organizations/find.ts'
import { requireScope } from '../../people/permissions.ts'
import { exportOrganization } from '../../transfer/export-organization.ts'
import { callOf, type Services } from '../context.ts'
import { managementRoute, newRoutes, organizationParam } from '../route.ts'
import { answerStream } from '../stream.ts'
import { version } from '../version.ts'

const type: string = 'application/jsonl'

const route = managementRoute({
  action: 'organization:export',
  method: 'get',
  path: '/v1/organizations/{org}/export',
  summary: 'Export an organization as JSON Lines',
  description:
    'Scope `management:write`, on the whole organization. Everything but the values of secrets: projects, keys with the digests of their secrets, tracked credentials, channels, members, the audit trail; for an import into another installation. Keep it like a backup.',
  tags: ['Organizations'],
  request: { params: organizationParam },
  responses: {
    200: {
      description: 'Lines of JSON; the last one has the SHA-256 of all before it.',
      content: { [type]: { schema: { type: 'string' as const } } },
    },
  },
})

export function exportRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(route, async (c) => {
    const call = callOf(services, c)
    requireScope(call.caller, 'management:write')
    const organization = await findOrganization(call, c.req.valid('param').org)
    const pages = await exportOrganization(call, organization, version)
    const file = { name: `${organization.slug}.jsonl`, type: `${type}; charset=utf-8` }
    return answerStream(c, file, '', pages)
  })
  return routes
}
