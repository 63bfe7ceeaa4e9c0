import { auditPage, auditQuery, auditVerification } from '@keyturn/contract'
import { listAuditEvents } from '../../audit/list-events.ts'
import { verifyChain } from '../../audit/verify-chain.ts'
import { findOrganization } from '../../organizations/find.ts'
import { requireRoot, requireScope } from '../../people/permissions.ts'
import { callOf, type Services } from '../context.ts'
import { jsonAnswer, managementRoute, newRoutes, organizationParam } from '../route.ts'

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
