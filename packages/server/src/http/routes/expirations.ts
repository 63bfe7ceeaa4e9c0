import {
  expirationCsvQuery,
  expirationForecast,
  expirationPage,
  expirationQuery,
  forecastQuery,
} from '@keyturn/contract'
import { listExpirations, reachOf, readAllExpirations } from '../../expirations/list-expirations.ts'
import { readForecast } from '../../expirations/read-forecast.ts'
import { recordExport } from '../../keys/record-export.ts'
import { findOrganization } from '../../organizations/find.ts'
import { callOf, type Services } from '../context.ts'
import { expirationCsvHeader, toExpirationCsvRows } from '../expiration-csv.ts'
import { toWireExpiration } from '../expiration-wire.ts'
import { jsonAnswer, managementRoute, newRoutes, organizationParam } from '../route.ts'
import { answerStream, mapPages } from '../stream.ts'

const tags = ['Expirations']
const path = '/v1/organizations/{org}/expirations'

const list = managementRoute({
  action: 'keys:read',
  method: 'get',
  path,
  summary: 'What ends when, over all projects and kinds',
  description:
    'Scope `keys:read`. Each secret with its end (its own, or that of its overlap), each rotation that the policy wants, and each tracked credential; soonest first, what never ends last, what has ended after that. Management keys are there for a key that reaches the whole organization.',
  tags,
  request: { params: organizationParam, query: expirationQuery },
  responses: { 200: jsonAnswer('A page', expirationPage) },
})
const csv = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: `${path}.csv`,
  summary: 'What ends when, as CSV',
  description: 'Scope `keys:read`. The same list, whole. On record.',
  tags,
  request: { params: organizationParam, query: expirationCsvQuery },
  responses: {
    200: { description: 'The same list', content: { 'text/csv': { schema: { type: 'string' as const } } } },
  },
})

const forecast = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: `${path}/forecast`,
  summary: 'How much ends in each week of the year, and on which days many end together',
  description: 'Scope `keys:read`.',
  tags,
  request: { params: organizationParam, query: forecastQuery },
  responses: { 200: jsonAnswer('The forecast', expirationForecast) },
})

export function expirationRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const reach = reachOf(call, await findOrganization(call, c.req.valid('param').org))
    const { data, nextCursor, now } = await listExpirations(call, reach, c.req.valid('query'))
    return c.json({ data: data.map((one) => toWireExpiration(one, now)), next_cursor: nextCursor }, 200)
  })
  routes.openapi(csv, async (c) => {
    const call = callOf(services, c)
    const reach = reachOf(call, await findOrganization(call, c.req.valid('param').org))
    const query = c.req.valid('query')
    const pages = await readAllExpirations(call, reach, query)
    await recordExport(call, 'expirations.exported', { organizationId: reach.organizationId, projectId: null }, query)
    const rows = mapPages(pages, ({ data, now }) => toExpirationCsvRows(data.map((one) => toWireExpiration(one, now))))
    const file = { name: 'expirations.csv', type: 'text/csv; charset=utf-8; header=present' }
    return answerStream(c, file, expirationCsvHeader(), rows)
  })
  routes.openapi(forecast, async (c) => {
    const call = callOf(services, c)
    const reach = reachOf(call, await findOrganization(call, c.req.valid('param').org))
    return c.json(await readForecast(call, reach, c.req.valid('query')), 200)
  })
  return routes
}
