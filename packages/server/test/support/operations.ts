import { randomBytes } from 'node:crypto'
import type { ActionName } from '@keyturn/contract'
import { pino } from 'pino'
import { createApp } from '../../src/http/app.ts'
import type { Services } from '../../src/http/context.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { MasterKey } from '../../src/kernel/master-key.ts'

/** JSON Schema as far as our OpenAPI document uses it. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly format?: string
  readonly example?: unknown
}

interface Parameter {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly schema: Schema
}

interface DescribedOperation {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly required?: boolean
    readonly content: Readonly<Record<string, { schema: Schema }>>
  }
  readonly responses: Readonly<Record<string, { content?: Readonly<Record<string, { schema: Schema }>> }>>
  readonly 'x-action'?: ActionName
  readonly security?: readonly Readonly<Record<string, unknown>>[]
}

export interface ApiDescription {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes: Readonly<Record<string, unknown>>
  }
}

/** One endpoint, as the document describes it. */
export interface Operation {
  /** `POST /v1/projects/{project}/keys` */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly description: string
  readonly parameters: readonly Parameter[]
  /** Null: it takes no body. */
  readonly body: Schema | null
  readonly bodyRequired: boolean
  /** Called with a management key, not with the key it is about. */
  readonly forManagementKeys: boolean
  /** Called with the session of a person. */
  readonly forSessions: boolean
  /** Called by whoever is not signed in yet. */
  readonly open: boolean
  /** What a person's role is asked for. */
  readonly action: ActionName | null
}

/** The app without a database behind it: for what it says about itself. */
export function createAppAlone() {
  const refuse = () => Promise.reject(new Error('there is no database behind this app'))
  const services = {
    ground: { change: refuse, now: refuse, keyPrefix: 'kt' },
    verifier: { now: refuse, keyPrefix: 'kt', noteUse: () => {} },
    masterKey: new MasterKey(randomBytes(32)),
    log: pino({ level: 'silent' }),
    whyNotReady: async () => null,
  } as unknown as Services
  return createApp(services, systemClock)
}

export const apiDescription = (await (await createAppAlone().request('/openapi.json', {}, {})).json()) as ApiDescription

/** Every endpoint there is. Tests are generated from it, so that a new one cannot come without them. */
export const allOperations: readonly Operation[] = Object.entries(apiDescription.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    description: operation.description ?? '',
    parameters: operation.parameters ?? [],
    body: operation.requestBody?.content['application/json']?.schema ?? null,
    bodyRequired: operation.requestBody?.required ?? false,
    forManagementKeys: operation.security?.some((scheme) => 'managementKey' in scheme) ?? false,
    forSessions: operation.security?.some((scheme) => 'session' in scheme) ?? false,
    open: operation.security?.length === 0,
    action: operation['x-action'] ?? null,
  })),
)

/** Those that are called with a key. What people do about themselves, and before they are signed in, has tests of its own. */
export const operations = allOperations.filter(
  ({ forManagementKeys, forSessions, open }) => forManagementKeys || !(forSessions || open),
)
export const sessionOperations = allOperations.filter(
  ({ forManagementKeys, forSessions }) => forSessions && !forManagementKeys,
)
export const openOperations = allOperations.filter(({ open }) => open)

/** Follows `$ref`. */
export function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema
  const found = apiDescription.components.schemas[schema.$ref.replace('#/components/schemas/', '')]
  if (!found) throw new Error(`${schema.$ref} leads nowhere`)
  return resolve(found)
}

export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object'

/** The JSON types a value may have. */
export function typesOf(unresolved: Schema): Set<JsonType> {
  const schema = resolve(unresolved)
  if (schema.anyOf) return new Set(schema.anyOf.flatMap((part) => [...typesOf(part)]))
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  return new Set(types as JsonType[])
}

export interface Field {
  /** `policy.max_active_keys`; an element of an array is `scopes.0`. */
  readonly path: string
  readonly schema: Schema
}

/** Every field of a body, those of objects and arrays within it too. */
export function fieldsOf(unresolved: Schema, before = ''): Field[] {
  const schema = resolve(unresolved)
  const own = Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    path: `${before}${name}`,
    schema: resolve(field),
  }))
  return own.flatMap((field) => [
    field,
    ...fieldsOf(field.schema, `${field.path}.`),
    ...(field.schema.items ? [{ path: `${field.path}.0`, schema: resolve(field.schema.items) }] : []),
  ])
}

/** A body with one field set, and the rest as it was. */
export function withField(body: object, path: string, value: unknown): object {
  const [first = '', ...rest] = path.split('.')
  if (rest.length === 0) return { ...body, [first]: value }
  if (rest[0] === '0') return { ...body, [first]: [value] }
  const inner: unknown = Reflect.get(body, first)
  return { ...body, [first]: withField(typeof inner === 'object' && inner ? inner : {}, rest.join('.'), value) }
}
