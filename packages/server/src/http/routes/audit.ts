import type { z } from '@hono/zod-openapi'
import { auditExportQuery, auditPage, auditQuery, auditVerification } from '@keyturn/contract'
import type { Context } from 'hono'
import { exportAuditEvents } from '../../audit/export-events.ts'
import { listAuditEvents } from '../../audit/list-events.ts'
import { verifyChain } from '../../audit/verify-chain.ts'
import { findOrganization } from '../../organizations/find.ts'
import type { Call } from '../../people/call.ts'
import { requireRoot, requireScope } from '../../people/permissions.ts'
import { callOf, type Env, type Services } from '../context.ts'
import { eventCsvHeader, toEventCsvRows } from '../csv.ts'
import { jsonAnswer, managementRoute, newRoutes, organizationParam } from '../route.ts'
import { answerStream, mapPages } from '../stream.ts'

const tags = ['Audit']

const list = managementRoute({
  action: 'audit:read',
  method: 'get',
  path: '/v1/organizations/{org}/audit-events',
  summary: 'What happened in an organization, newest first',
  description: 'Scope `audit:read`.',
  tags,
  request: { params: organizationParam, query: auditQuery },
  responses: { 200: jsonAnswer('A page', auditPage) },
})
const verify = managementRoute({
  action: 'audit:verify',
  method: 'get',
  path: '/v1/organizations/{org}/audit-events/verification',
  summary: 'Is the chain of events unbroken?',
  description: 'Scope `audit:read`. Walks the whole chain.',
  tags,
  request: { params: organizationParam },
  responses: { 200: jsonAnswer('What the walk found', auditVerification) },
})
const listOwn = managementRoute({
  action: 'installation:read',
  method: 'get',
  path: '/v1/audit-events',
  summary: 'What happened to the installation itself, newest first',
  description: 'With the root key.',
  tags,
  request: { query: auditQuery },
  responses: { 200: jsonAnswer('A page', auditPage) },
})
const verifyOwn = managementRoute({
  action: 'installation:read',
  method: 'get',
  path: '/v1/audit-events/verification',
  summary: "Is the installation's own chain of events unbroken?",
  description: 'With the root key.',
  tags,
  responses: { 200: jsonAnswer('What the walk found', auditVerification) },
})

const file = (type: string) => ({
  200: { description: 'All that match, oldest first', content: { [type]: { schema: { type: 'string' as const } } } },
})
const exportAs = <const F extends 'csv' | 'jsonl'>(format: F, type: string) =>
  managementRoute({
    action: 'audit:read',
    method: 'get',
    path: `/v1/organizations/{org}/audit-events.${format}` as const,
    summary: `What happened in an organization, as ${format === 'csv' ? 'CSV' : 'JSON Lines'}`,
    description: 'Scope `audit:read`. Whole, and on record itself.',
    tags,
    request: { params: organizationParam, query: auditExportQuery },
    responses: file(type),
  })
const exportOwnAs = <const F extends 'csv' | 'jsonl'>(format: F, type: string) =>
  managementRoute({
    action: 'installation:read',
    method: 'get',
    path: `/v1/audit-events.${format}` as const,
    summary: `What happened to the installation itself, as ${format === 'csv' ? 'CSV' : 'JSON Lines'}`,
    description: 'With the root key.',
    tags,
    request: { query: auditExportQuery },
    responses: file(type),
  })
const csv = exportAs('csv', 'text/csv')
const jsonLines = exportAs('jsonl', 'application/jsonl')
const ownCsv = exportOwnAs('csv', 'text/csv')
const ownJsonLines = exportOwnAs('jsonl', 'application/jsonl')

async function answerExport(
  c: Context<Env>,
  call: Call,
  organizationId: string | null,
  query: z.infer<typeof auditExportQuery>,
  format: 'csv' | 'jsonl',
): Promise<Response> {
  const pages = await exportAuditEvents(call, organizationId, query, format)
  if (format === 'csv') {
    const rows = mapPages(pages, (page) => toEventCsvRows(page.map(({ event }) => event)))
    return answerStream(
      c,
      { name: 'audit-events.csv', type: 'text/csv; charset=utf-8; header=present' },
      eventCsvHeader(),
      rows,
    )
  }
  const lines = mapPages(pages, (page) =>
    page.map(({ event, text }) => `${JSON.stringify({ ...event, text })}\n`).join(''),
  )
  return answerStream(c, { name: 'audit-events.jsonl', type: 'application/jsonl; charset=utf-8' }, '', lines)
}

export function auditRoutes(services: Services) {
  const routes = newRoutes()
  const signingKey = services.masterKey.auditSigningKey()
  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    requireScope(call.caller, 'audit:read')
    const organization = await findOrganization(call, c.req.valid('param').org)
    return c.json(await listAuditEvents(call, organization.id, c.req.valid('query')), 200)
  })
  routes.openapi(verify, async (c) => {
    const call = callOf(services, c)
    requireScope(call.caller, 'audit:read')
    const organization = await findOrganization(call, c.req.valid('param').org)
    return c.json(await verifyChain(call.reader, organization.id, signingKey), 200)
  })
  for (const [route, format] of [
    [csv, 'csv'],
    [jsonLines, 'jsonl'],
  ] as const) {
    routes.openapi(route, async (c) => {
      const call = callOf(services, c)
      requireScope(call.caller, 'audit:read')
      const organization = await findOrganization(call, c.req.valid('param').org)
      return answerExport(c, call, organization.id, c.req.valid('query'), format)
    })
  }
  for (const [route, format] of [
    [ownCsv, 'csv'],
    [ownJsonLines, 'jsonl'],
  ] as const) {
    routes.openapi(route, async (c) => {
      const call = callOf(services, c)
      requireRoot(call.caller)
      return answerExport(c, call, null, c.req.valid('query'), format)
    })
  }
  routes.openapi(listOwn, async (c) => {
    const call = callOf(services, c)
    requireRoot(call.caller)
    return c.json(await listAuditEvents(call, null, c.req.valid('query')), 200)
  })
  routes.openapi(verifyOwn, async (c) => {
    const call = callOf(services, c)
    requireRoot(call.caller)
    return c.json(await verifyChain(call.reader, null, signingKey), 200)
  })
  return routes
}
