import { dryRunAnswer, dryRunQuery, organizationDryRun, projectDryRun } from '@keyturn/contract'
import { type DryRun, dryRunOrganization, dryRunProject } from '../../keys/dry-run-policy.ts'
import { findOrganization, findProject } from '../../organizations/find.ts'
import { callOf, type Services } from '../context.ts'
import { jsonAnswer, jsonBody, managementRoute, newRoutes, organizationParam, projectParam } from '../route.ts'

const description =
  'Scope `keys:read`. Changes nothing. Keys that exist keep what they have, so none would be refused: these could not be made, extended or rotated so again.'
const responses = { 200: jsonAnswer('What it would break', dryRunAnswer) }

const ofOrganization = managementRoute({
  action: 'policy:try',
  method: 'post',
  path: '/v1/organizations/{org}/policy/dry-run',
  summary: 'Which keys would a change of the policy break?',
  description,
  tags: ['Organizations'],
  request: { params: organizationParam, query: dryRunQuery, body: jsonBody(organizationDryRun) },
  responses,
})
const ofProject = managementRoute({
  action: 'keys:read',
  method: 'post',
  path: '/v1/projects/{project}/policy/dry-run',
  summary: "Which keys would a change of the project's own rules break?",
  description,
  tags: ['Projects'],
  request: { params: projectParam, query: dryRunQuery, body: jsonBody(projectDryRun) },
  responses,
})

export function dryRunRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(ofOrganization, async (c) => {
    const call = callOf(services, c)
    const organization = await findOrganization(call, c.req.valid('param').org)
    return c.json(
      toWire(await dryRunOrganization(call, organization, c.req.valid('json').policy, c.req.valid('query'))),
      200,
    )
  })
  routes.openapi(ofProject, async (c) => {
    const call = callOf(services, c)
    const project = await findProject(call, c.req.valid('param').project)
    return c.json(toWire(await dryRunProject(call, project, c.req.valid('json').policy, c.req.valid('query'))), 200)
  })
  return routes
}

const toWire = ({ broken, nextCursor, counts }: DryRun) => ({
  data: broken.map(({ key, inUse, rules }) => ({
    key_id: key.id,
    name: key.name,
    owner: key.owner,
    project_id: key.projectId,
    kind: key.kind,
    in_use: inUse,
    rules: [...rules],
  })),
  next_cursor: nextCursor,
  counts: counts && {
    keys: counts.keys,
    in_use: counts.in_use,
    rules: counts.rules,
    projects_over_limit: counts.overLimit.map(({ projectId, active, limit }) => ({
      project_id: projectId,
      active_keys: active,
      max_active_keys: limit,
    })),
  },
})
