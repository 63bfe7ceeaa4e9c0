import { z } from '@hono/zod-openapi'
import { plainText, reminderPage, reminderPreview, reminderQuery, reminderSchema } from '@keyturn/contract'
import { acknowledgeReminder } from '../../expirations/acknowledge-reminders.ts'
import { listReminders } from '../../expirations/list-reminders.ts'
import { previewReminders } from '../../expirations/preview-reminders.ts'
import { findOrganization } from '../../organizations/find.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import { toWirePreview, toWireReminder } from '../reminder-wire.ts'
import {
  emptyBody,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  keyParam,
  managementRoute,
  newRoutes,
  organizationParam,
} from '../route.ts'

const tags = ['Reminders']

const list = managementRoute({
  action: 'reminders:read',
  method: 'get',
  path: '/v1/organizations/{org}/reminders',
  summary: 'Who was told what, or is going to be',
  description:
    'Scope `keys:read`. Newest first. One for each threshold of a date and each who hears of it; `failed` says why.',
  tags,
  request: { params: organizationParam, query: reminderQuery },
  responses: { 200: jsonAnswer('A page', reminderPage) },
})
const acknowledge = managementRoute({
  action: 'reminders:change',
  method: 'post',
  path: '/v1/reminders/{reminder}/acknowledge',
  summary: 'Say that somebody knows',
  description:
    'Scope `keys:write`. Of the same date nobody is told any more, but of the last two thresholds and when it has come. With another date it begins anew.',
  tags,
  request: {
    params: z.object({ reminder: plainText(200).describe('Id of a reminder.') }),
    headers: idempotencyHeader,
    body: { ...jsonBody(emptyBody), required: false },
  },
  responses: { 200: jsonAnswer('The reminder', reminderSchema) },
})
const preview = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/keys/{key}/reminders/preview',
  summary: 'The next mail about a key, and what is to come',
  description: 'Scope `keys:read`. Rendered as it would go out, with its date and who would get it.',
  tags,
  request: { params: keyParam },
  responses: { 200: jsonAnswer('What is to come', reminderPreview) },
})

export function reminderRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const { data, nextCursor } = await listReminders(call, organization, c.req.valid('query'))
    return c.json({ data: data.map(toWireReminder), next_cursor: nextCursor }, 200)
  })
  routes.openapi(acknowledge, (c) =>
    answerOnce(services, c, 200, (call) => acknowledgeReminder(call, c.req.valid('param').reminder), toWireReminder),
  )
  routes.openapi(preview, async (c) => {
    const { key } = c.req.valid('param')
    return c.json(toWirePreview(await previewReminders(callOf(services, c), key, services.publicUrl)), 200)
  })
  return routes
}
