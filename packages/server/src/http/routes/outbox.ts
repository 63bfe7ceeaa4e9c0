import { mailPage, mailQuery, mailSchema, mailWithText, plainText } from '@keyturn/contract'
import { requeueReminders } from '../../expirations/settle-reminders.ts'
import { listMails, readMail, retryMail } from '../../notifications/outbox.ts'
import { findOrganization } from '../../organizations/find.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import { toWireMail, toWireMailWithText } from '../mail-wire.ts'
import {
  emptyBody,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  managementRoute,
  newRoutes,
  organizationParam,
} from '../route.ts'

const tags = ['Reminders']
const path = '/v1/organizations/{org}/outbox'
const params = organizationParam.extend({ mail: plainText(200).describe('Id of a mail.') })

const list = managementRoute({
  action: 'mails:read',
  method: 'get',
  path,
  summary: 'List mails, and what became of them',
  description:
    'Scope `keys:read`, and the whole organization. Newest first. Without SMTP_URL all of them are `not_delivered`, and this is where they are read.',
  tags,
  request: { params: organizationParam, query: mailQuery },
  responses: { 200: jsonAnswer('A page', mailPage) },
})
const read = managementRoute({
  action: 'mails:read',
  method: 'get',
  path: `${path}/{mail}`,
  summary: 'Read a mail',
  description: 'Scope `keys:read`, and the whole organization.',
  tags,
  request: { params },
  responses: { 200: jsonAnswer('The mail with what it says', mailWithText) },
})
const retry = managementRoute({
  action: 'mails:change',
  method: 'post',
  path: `${path}/{mail}/retry`,
  summary: 'Send a mail again that failed or was not delivered',
  description: 'Scope `keys:write`, and the whole organization. It is tried for another three days.',
  tags,
  request: { params, headers: idempotencyHeader, body: { ...jsonBody(emptyBody), required: false } },
  responses: { 200: jsonAnswer('The mail', mailSchema) },
})

export function outboxRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const { data, nextCursor } = await listMails(call, organization, c.req.valid('query'))
    return c.json({ data: data.map(toWireMail), next_cursor: nextCursor, smtp: services.mailer !== null }, 200)
  })
  routes.openapi(read, async (c) => {
    const call = callOf(services, c)
    const { org, mail } = c.req.valid('param')
    return c.json(toWireMailWithText(await readMail(call, await findOrganization(call, org), mail)), 200)
  })
  routes.openapi(retry, async (c) => {
    const { org, mail } = c.req.valid('param')
    const organization = await findOrganization(callOf(services, c), org)
    return answerOnce(services, c, 200, (call) => retryMail(call, organization, mail, requeueReminders), toWireMail)
  })
  return routes
}
