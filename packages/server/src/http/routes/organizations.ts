import {
  listQuery,
  organizationCreate,
  organizationEdit,
  organizationSchema,
  pageOf,
  projectCreate,
  projectEdit,
  projectSchema,
  renewalRequest,
} from '@keyturn/contract'
import { createOrganization } from '../../organizations/create-organization.ts'
import { createProject } from '../../organizations/create-project.ts'
import { editOrganization } from '../../organizations/edit-organization.ts'
import { editProject } from '../../organizations/edit-project.ts'
import { findOrganization, findProject, readProject } from '../../organizations/find.ts'
import { listOrganizations, listProjects } from '../../organizations/list.ts'
import { effectivePolicy } from '../../organizations/policy.ts'
import { requestRenewal } from '../../organizations/request-renewal.ts'
import { requireScope } from '../../people/permissions.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import {
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  managementRoute,
  newRoutes,
  organizationParam,
  projectParam,
} from '../route.ts'
import { toWireOrganization, toWireProject } from '../wire.ts'

const organizationPage = pageOf(organizationSchema).meta({ id: 'OrganizationPage' })
const projectPage = pageOf(projectSchema).meta({ id: 'ProjectPage' })

const create = managementRoute({
  action: 'organizations:create',
  method: 'post',
  path: '/v1/organizations',
  summary: 'Create an organization',
  description: 'With the root key.',
  tags: ['Organizations'],
  request: { headers: idempotencyHeader, body: jsonBody(organizationCreate) },
  responses: { 201: jsonAnswer('The organization', organizationSchema) },
})
const list = managementRoute({
  action: 'organizations:list',
  method: 'get',
  path: '/v1/organizations',
  summary: 'List organizations',
  description: 'Scope `keys:read`. Those within reach of the key.',
  tags: ['Organizations'],
  request: { query: listQuery },
  responses: { 200: jsonAnswer('A page', organizationPage) },
})
const read = managementRoute({
  action: 'organization:read',
  method: 'get',
  path: '/v1/organizations/{org}',
  summary: 'Read an organization',
  description: 'Scope `keys:read`.',
  tags: ['Organizations'],
  request: { params: organizationParam },
  responses: { 200: jsonAnswer('The organization', organizationSchema) },
})
const edit = managementRoute({
  action: 'organization:edit',
  method: 'patch',
  path: '/v1/organizations/{org}',
  summary: 'Rename it, set its policy, switch API access off and on',
  description: 'Scope `policy:write`.',
  tags: ['Organizations'],
  request: { params: organizationParam, body: jsonBody(organizationEdit) },
  responses: { 200: jsonAnswer('The organization', organizationSchema) },
})
const createInside = managementRoute({
  action: 'projects:create',
  method: 'post',
  path: '/v1/organizations/{org}/projects',
  summary: 'Create a project',
  description: 'Scope `projects:write`. It is born with its legacy publishable key.',
  tags: ['Projects'],
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(projectCreate) },
  responses: { 201: jsonAnswer('The project', projectSchema) },
})
const listInside = managementRoute({
  action: 'projects:read',
  method: 'get',
  path: '/v1/organizations/{org}/projects',
  summary: 'List projects',
  description: 'Scope `keys:read`. Those within reach of the key.',
  tags: ['Projects'],
  request: { params: organizationParam, query: listQuery },
  responses: { 200: jsonAnswer('A page', projectPage) },
})
const readOne = managementRoute({
  action: 'projects:read',
  method: 'get',
  path: '/v1/projects/{project}',
  summary: 'Read a project',
  description: 'Scope `keys:read`.',
  tags: ['Projects'],
  request: { params: projectParam },
  responses: { 200: jsonAnswer('The project', projectSchema) },
})
const editOne = managementRoute({
  action: 'projects:edit',
  method: 'patch',
  path: '/v1/projects/{project}',
  summary: 'Rename it, set its policy, switch API access off and on',
  description: 'Scope `projects:write` for the name, `policy:write` for the rest.',
  tags: ['Projects'],
  request: { params: projectParam, body: jsonBody(projectEdit) },
  responses: { 200: jsonAnswer('The project', projectSchema) },
})
const renew = managementRoute({
  action: 'projects:renew',
  method: 'post',
  path: '/v1/projects/{project}/renewals',
  summary: 'Ask the holders of all secrets to renew them now',
  description:
    'Scope `policy:write`. As after an incident: `GET /v1/keys/self/renewal-info` of every secret made before this moment says from now on that it is time. No secret changes, and none made later is concerned. Takes the place of an earlier request.',
  tags: ['Projects'],
  request: { params: projectParam, headers: idempotencyHeader, body: jsonBody(renewalRequest) },
  responses: { 200: jsonAnswer('The project', projectSchema) },
})

export function organizationRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(create, (c) =>
    answerOnce(services, c, 201, (call) => createOrganization(call, c.req.valid('json')), toWireOrganization),
  )
  routes.openapi(list, async (c) => {
    const page = await listOrganizations(callOf(services, c), c.req.valid('query'))
    return c.json({ data: page.data.map(toWireOrganization), next_cursor: page.nextCursor }, 200)
  })
  routes.openapi(read, async (c) => {
    const call = callOf(services, c)
    requireScope(call.caller, 'keys:read')
    return c.json(toWireOrganization(await findOrganization(call, c.req.valid('param').org)), 200)
  })
  routes.openapi(edit, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    return c.json(toWireOrganization(await editOrganization(call, organization, c.req.valid('json'))), 200)
  })
  routes.openapi(createInside, async (c) => {
    const organization = await findOrganization(callOf(services, c), c.req.valid('param').org)
    return answerOnce(services, c, 201, (call) => createProject(call, organization, c.req.valid('json')), toWireProject)
  })
  routes.openapi(listInside, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    const page = await listProjects(call, organization, c.req.valid('query'))
    const data = page.data.map((project) =>
      toWireProject({ project, policy: effectivePolicy(organization.policy, project.policy) }),
    )
    return c.json({ data, next_cursor: page.nextCursor }, 200)
  })
  routes.openapi(readOne, async (c) => {
    const call = callOf(services, c)
    requireScope(call.caller, 'keys:read')
    const project = await findProject(call, c.req.valid('param').project)
    return c.json(toWireProject(await readProject(call.reader, project.organizationId, project.id)), 200)
  })
  routes.openapi(editOne, async (c) => {
    const call = callOf(services, c)
    const project = await findProject(call, c.req.valid('param').project)
    return c.json(toWireProject(await editProject(call, project, c.req.valid('json'))), 200)
  })
  routes.openapi(renew, async (c) => {
    const project = await findProject(callOf(services, c), c.req.valid('param').project)
    return answerOnce(services, c, 200, (call) => requestRenewal(call, project, c.req.valid('json')), toWireProject)
  })
  return routes
}
