import { calendarQuery } from '@keyturn/contract'
import type { MiddlewareHandler } from 'hono'
import { readCalendar } from '../../expirations/calendar-feed.ts'
import { reachOf } from '../../expirations/list-expirations.ts'
import { openFeed } from '../../expirations/manage-feed-tokens.ts'
import { findOrganization } from '../../organizations/find.ts'
import { callOf, type Env, type Services } from '../context.ts'
import { requireCaller } from '../middleware.ts'
import { managementRoute, newRoutes, organizationParam } from '../route.ts'
import { answerStream } from '../stream.ts'

const calendar = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/organizations/{org}/expirations.ics',
  summary: 'What ends when, as a calendar to subscribe to',
  description:
    'Scope `keys:read`, or a feed token in the address, which calendars can keep. What is to come or overdue, what ended in the last 30 days, and, as cancelled, what was revoked, replaced or deleted in the last 90.',
  tags: ['Expirations'],
  request: { params: organizationParam, query: calendarQuery },
  responses: {
    200: { description: 'iCalendar (RFC 5545)', content: { 'text/calendar': { schema: { type: 'string' as const } } } },
  },
})

/** Ahead of the question for a management key: with a feed token there is none. */
export function calendarRoutes(services: Services) {
  const routes = newRoutes()
  const authenticated = requireCaller(services)
  const unlessTokenIsGiven: MiddlewareHandler<Env> = (c, next) =>
    c.req.method !== 'GET' || c.req.query('token') !== undefined ? next() : authenticated(c, next)
  routes.use('/v1/organizations/:org/expirations.ics', unlessTokenIsGiven)
  routes.openapi(calendar, async (c) => {
    const { token, ...filters } = c.req.valid('query')
    const opened = token === undefined ? null : await openFeed(services.ground, token)
    const call = opened?.reader ?? callOf(services, c)
    c.set('caller', call.caller)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const reach = opened?.reach ?? reachOf(call, organization)
    const pieces = await readCalendar(call, reach, filters, `Keys of ${organization.name}`)
    return answerStream(c, { name: 'expirations.ics', type: 'text/calendar; charset=utf-8' }, '', pieces)
  })
  return routes
}
