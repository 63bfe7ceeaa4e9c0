import { keyCsvQuery, keyListQuery, keyPage } from '@keyturn/contract'
import type { Context } from 'hono'
import { type KeyListQuery, type KeyScope, listAndCountKeys, listKeys } from '../../keys/key-list.ts'
import { recordExport } from '../../keys/record-export.ts'
import { findManagementProject, findOrganization, findProject } from '../../organizations/find.ts'
import type { Call } from '../../people/call.ts'
import { requireScope } from '../../people/permissions.ts'
import { callOf, type Env, type Services } from '../context.ts'
import { csvHeader, toCsvRows } from '../csv.ts'
import { jsonAnswer, managementRoute, newRoutes, organizationParam, projectParam } from '../route.ts'
import { answerStream } from '../stream.ts'
import { toWireKey } from '../wire.ts'

const page = { 200: jsonAnswer('A page', keyPage) }
const csv = {
  200: { description: 'The same list, whole', content: { 'text/csv': { schema: { type: 'string' as const } } } },
}
const description = 'Scope `keys:read`.'

const ofProject = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/projects/{project}/keys',
  summary: 'List the keys of a project',
  description,
  tags: ['Keys'],
  request: { params: projectParam, query: keyListQuery },
  responses: page,
})
const ofProjectCsv = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/projects/{project}/keys.csv',
  summary: 'List the keys of a project, as CSV',
  description,
  tags: ['Keys'],
  request: { params: projectParam, query: keyCsvQuery },
  responses: csv,
})
const ofOrganization = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/organizations/{org}/keys',
  summary: 'List the keys of an organization',
  description,
  tags: ['Keys'],
  request: { params: organizationParam, query: keyListQuery },
  responses: page,
})
const ofOrganizationCsv = managementRoute({
  action: 'keys:read',
  method: 'get',
  path: '/v1/organizations/{org}/keys.csv',
  summary: 'List the keys of an organization, as CSV',
  description,
  tags: ['Keys'],
  request: { params: organizationParam, query: keyCsvQuery },
  responses: csv,
})
const forManagement = managementRoute({
  action: 'management_keys:read',
  method: 'get',
  path: '/v1/organizations/{org}/management-keys',
  summary: 'List management keys',
  description: 'Scope `keys:read`, of a key that reaches the whole organization; others see none.',
  tags: ['Management keys'],
  request: { params: organizationParam, query: keyListQuery },
  responses: page,
})

export function keyListRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(ofProject, async (c) => {
    const call = callOf(services, c)
    return c.json(
      await answerPage(call, await projectScope(call, c.req.valid('param').project), c.req.valid('query')),
      200,
    )
  })
  routes.openapi(ofOrganization, async (c) => {
    const call = callOf(services, c)
    return c.json(
      await answerPage(call, await organizationScope(call, c.req.valid('param').org), c.req.valid('query')),
      200,
    )
  })
  routes.openapi(forManagement, async (c) => {
    const call = callOf(services, c)
    requireScope(call.caller, 'keys:read')
    const organization = await findOrganization(call, c.req.valid('param').org)
    const hidden = await findManagementProject(call.reader, organization.id)
    // A caller that reaches only some projects reaches no project without an id, which is none at all.
    const projectId = call.caller.projects === null ? hidden.id : ''
    return c.json(await answerPage(call, { organizationId: organization.id, projectId }, c.req.valid('query')), 200)
  })
  routes.openapi(ofProjectCsv, async (c) => {
    const call = callOf(services, c)
    return answerCsv(c, call, await projectScope(call, c.req.valid('param').project), c.req.valid('query'))
  })
  routes.openapi(ofOrganizationCsv, async (c) => {
    const call = callOf(services, c)
    return answerCsv(c, call, await organizationScope(call, c.req.valid('param').org), c.req.valid('query'))
  })
  return routes
}

async function projectScope(call: Call, idOrSlug: string): Promise<KeyScope> {
  requireScope(call.caller, 'keys:read')
  const project = await findProject(call, idOrSlug)
  return { organizationId: project.organizationId, projectId: project.id }
}

async function organizationScope(call: Call, idOrSlug: string): Promise<KeyScope> {
  requireScope(call.caller, 'keys:read')
  const organization = await findOrganization(call, idOrSlug)
  return { organizationId: organization.id, projectId: null }
}

async function answerPage(call: Call, scope: KeyScope, query: KeyListQuery) {
  const { views, nextCursor, counts } = await listAndCountKeys(call, scope, query)
  return { data: views.map(toWireKey), next_cursor: nextCursor, counts }
}

/** Streamed page by page: a list of any size costs no more memory than a short one. */
async function answerCsv(c: Context<Env>, call: Call, scope: KeyScope, query: Omit<KeyListQuery, 'limit' | 'cursor'>) {
  const limit = 200
  const nextPage = (cursor?: string) => listKeys(call, scope, { ...query, limit, cursor })
  // The first page before the headers, so that what is wrong with the request is answered as an error and not as half a file.
  const first = await nextPage()
  await recordExport(call, 'keys.exported', scope, query)
  async function* rows() {
    for (let page = first; ; page = await nextPage(page.nextCursor)) {
      yield toCsvRows(page.views.map(toWireKey))
      if (page.nextCursor === null) return
    }
  }
  return answerStream(c, { name: 'keys.csv', type: 'text/csv; charset=utf-8; header=present' }, csvHeader(), rows())
}
