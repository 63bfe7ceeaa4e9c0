import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import { type ActionName, actionOf, plainText, problemSchema, roles, rolesFor } from '@keyturn/contract'
import type { MiddlewareHandler } from 'hono'
import { DomainError } from '../kernel/errors.ts'
import type { Env } from './context.ts'

/** Routes whose requests were checked by their schemas: a field that is unknown or wrong is named. */
export function newRoutes(): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success) throw new DomainError('invalid_request', { errors: result.error.issues.map(describeIssue) })
    },
  })
}

type Issue = z.core.$ZodIssue

/** What a schema found wrong, in words. */
export function describeIssue(issue: Issue): { path: string; detail: string } {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    return { path: [...issue.path, issue.keys[0] ?? ''].join('.'), detail: unknown(issue.keys) }
  }
  return { path, detail: inWords(issue.message) }
}

const unknown = (names: readonly string[]) =>
  `${names.map((name) => JSON.stringify(name)).join(', ')} is not known here; see /docs for what is`

/** Zod says `Invalid input: expected string, received undefined`; people say it shorter. */
function inWords(message: string): string {
  const mismatch = /^Invalid input: expected (.+), received (.+)$/.exec(message)
  if (!mismatch) return message
  return mismatch[2] === 'undefined' ? 'is required' : `must be ${mismatch[1]}, not ${mismatch[2]}`
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
})

type Schema = z.ZodType

export const jsonBody = <T extends Schema>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
})

export const jsonAnswer = <T extends Schema>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
})

/** Where a route has no query parameters, every one is unknown: one that is misplaced is named, not ignored. */
const refuseQuery: MiddlewareHandler<Env> = async (c, next) => {
  const [name] = Object.keys(c.req.queries())
  if (name !== undefined)
    throw new DomainError('invalid_request', { errors: [{ path: name, detail: unknown([name]) }] })
  await next()
}

/** All routes of the API: nothing unknown passes unseen, and every error is a problem. */
export function apiRoute<const R extends RouteConfig>(config: R) {
  return createRoute({
    ...config,
    middleware: config.request?.query ? [] : [refuseQuery],
    responses: { ...config.responses, default: problem('An error; see the code.') },
  })
}

/** A person is asked by their roles; a key has scopes, which the use case asks for. */
const enterWith =
  (action: ActionName): MiddlewareHandler<Env> =>
  async (c, next) => {
    const { org, project, key, channel, reminder } = c.req.param() as Record<string, string | undefined>
    await c.get('enter')?.(action, { org, project, key, channel, reminder })
    await next()
  }

/** From the table, for the documentation. */
function rolesInWords(action: ActionName): string | undefined {
  const allowed = actionOf(action).roles
  const those = roles.filter((role) => allowed[role] === true)
  const owning = roles.filter((role) => allowed[role] === 'own').map((role) => `${role} (on keys that they own)`)
  return those.length === 0 ? undefined : `Roles: ${[...those, ...owning].join(', ')}.`
}

/** All routes of the management API: a management key is wanted, or the session of a person whose role allows the action. */
export function managementRoute<const R extends Omit<RouteConfig, 'security'>>({
  action,
  ...config
}: R & { readonly action: ActionName }) {
  const sessions = rolesFor(action).length > 0 ? [{ session: [] }] : []
  const description = [config.description, rolesInWords(action)].filter((text) => text !== undefined).join(' ')
  const security = [{ managementKey: [] }, ...sessions]
  const route = apiRoute({ ...config, description, security, 'x-action': action })
  return { ...route, middleware: [enterWith(action), ...route.middleware] }
}

/** What people do about themselves: no key can. */
export function sessionRoute<const R extends Omit<RouteConfig, 'security'>>(config: R) {
  const route = apiRoute({ ...config, security: [{ session: [] }] })
  return { ...route, middleware: [requireSession, ...route.middleware] }
}

const requireSession: MiddlewareHandler<Env> = async (c, next) => {
  if (!c.get('session')) throw new DomainError('session_required')
  await next()
}

/** For whoever is not signed in yet. */
export function openRoute<const R extends Omit<RouteConfig, 'security'>>(config: R) {
  return apiRoute({ ...config, security: [] })
}

/** Of every changing POST. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .describe('Repeat a request under the same key, and it is done once; kept 24 hours, secrets 10 minutes.'),
})

/** Of an action that needs nothing to be said. */
export const emptyBody = z.strictObject({}).meta({ id: 'Empty' })

export const keyParam = z.object({ key: plainText(200).describe('Id of a key.') })
export const channelParam = z.object({ channel: plainText(200).describe('Id of a channel.') })
export const organizationParam = z.object({ org: plainText(200).describe('Id or slug of an organization.') })
export const projectParam = z.object({ project: plainText(200).describe('Id or slug of a project.') })
