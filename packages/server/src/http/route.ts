import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import { problemSchema } from '@keyturn/contract'
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

function describeIssue(issue: Issue): { path: string; detail: string } {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => JSON.stringify(key)).join(', ')
    return {
      path: [...issue.path, issue.keys[0] ?? ''].join('.'),
      detail: `${names} is not known here; see /docs for what is`,
    }
  }
  return { path, detail: inWords(issue.message) }
}

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

/** All routes of the management API: a bearer is wanted, and every error is a problem. */
export function managementRoute<const R extends Omit<RouteConfig, 'security'>>(config: R) {
  return createRoute({
    ...config,
    security: [{ managementKey: [] }],
    responses: { ...config.responses, default: problem('An error; see the code.') },
  })
}

/** Of every changing POST. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .describe('Repeat a request under the same key, and it is done once; kept 24 hours, secrets 10 minutes.'),
})

export const keyParam = z.object({ key: z.string().max(200).describe('Id of a key.') })
export const organizationParam = z.object({ org: z.string().max(200).describe('Id or slug of an organization.') })
export const projectParam = z.object({ project: z.string().max(200).describe('Id or slug of a project.') })
