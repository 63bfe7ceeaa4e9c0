import { errorCodes } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import {
  allOperations,
  apiDescription,
  createAppAlone,
  type Operation,
  operations,
  resolve,
  type Schema,
} from '../support/operations.ts'
import { faultOf } from '../support/problems.ts'
import { callOperation, makePlace, sampleOf } from '../support/samples.ts'

/** Everything in a document that is an object, with the way to it. */
function* walk(value: unknown, path = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [path, value as Record<string, unknown>]
  for (const [name, inner] of Object.entries(value)) yield* walk(inner, `${path}/${name}`)
}

/** Where a value is not what a schema says. */
function* mismatches(value: unknown, unresolved: Schema, path: string): Generator<string> {
  const schema = resolve(unresolved)
  if (schema.anyOf) {
    if (!schema.anyOf.some((part) => mismatches(value, part, path).next().done)) yield `${path}: none of anyOf`
    return
  }
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  const types = schema.type === undefined ? [] : [schema.type].flat()
  const fits = types.length === 0 || types.includes(type) || (Number.isInteger(value) && types.includes('integer'))
  if (!fits) yield `${path}: ${type}, not ${types.join(' or ')}`
  if (schema.enum && !schema.enum.includes(value))
    yield `${path}: ${String(value)} is none of ${schema.enum.join(', ')}`
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      if (schema.items) yield* mismatches(item, schema.items, `${path}.${index}`)
  } else if (typeof value === 'object' && value !== null) {
    const properties = schema.properties ?? {}
    for (const name of schema.required ?? []) if (!(name in value)) yield `${path}.${name}: missing`
    for (const [name, inner] of Object.entries(value)) {
      const known = properties[name]
      if (known) yield* mismatches(inner, known, `${path}.${name}`)
      else if (schema.properties && !schema.additionalProperties) yield `${path}.${name}: not described`
    }
  }
}

const answersOf = (operation: Operation) =>
  apiDescription.paths[operation.path]?.[operation.method.toLowerCase()]?.responses ?? {}

describe('the OpenAPI document', () => {
  it('is of version 3.1, and names what it describes', () => {
    expect(apiDescription.openapi).toMatch(/^3\.1\.\d$/)
    expect(apiDescription.info).toMatchObject({ title: 'Keyturn', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  })

  it('has every endpoint of the API in it, and none that is not there', () => {
    const served = createAppAlone()
      .routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/'))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
    expect(allOperations.map(({ name }) => name).toSorted()).toEqual([...new Set(served)].sort())
  })

  it('has no reference that leads nowhere, and no schema that nothing refers to', () => {
    const references = [...walk(apiDescription)].flatMap(([, value]) =>
      typeof value['$ref'] === 'string' ? [value['$ref']] : [],
    )
    expect(references.length).toBeGreaterThan(20)
    const named = Object.keys(apiDescription.components.schemas).map((name) => `#/components/schemas/${name}`)
    expect([...new Set(references)].sort()).toEqual(named.sort())
  })

  it('says of each endpoint what it does, under which heading, and who may call it', () => {
    for (const { name, path, method } of allOperations) {
      const operation = apiDescription.paths[path]?.[method.toLowerCase()]
      expect([name, operation?.summary]).toEqual([name, expect.stringMatching(/^[A-Z].+[^.]$/)])
      expect([name, operation?.tags]).toEqual([name, [expect.any(String)]])
      expect([name, operation?.security !== undefined]).toEqual([name, true])
      for (const scheme of operation?.security ?? []) {
        expect(Object.keys(apiDescription.components.securitySchemes)).toContain(Object.keys(scheme)[0])
      }
    }
  })

  it('describes every parameter that stands in a path, and the error answer of every endpoint', () => {
    for (const { name, path, parameters, ...operation } of allOperations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      expect([
        name,
        parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name),
      ]).toEqual([name, inPath])
      const { default: error } = answersOf({ name, path, parameters, ...operation })
      expect([name, error?.content?.['application/problem+json']?.schema.$ref]).toEqual([
        name,
        '#/components/schemas/Problem',
      ])
    }
  })

  it('lists every error code', () => {
    expect(apiDescription.components.schemas['Problem']?.properties?.['code']?.enum).toEqual([...errorCodes])
  })
})

describe.each(anEngine('PGlite'))('what the server answers, on $name', (engine) => {
  let keyturn: Keyturn
  const answers = new Map<string, Answer>()
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    for (const operation of operations) {
      const place = await makePlace(keyturn, undefined, operation)
      // Something in every list, and every field of a key set in some.
      await keyturn.createManagementKey(place.org, { projects: [place.project] })
      await keyturn.createKey(place.project, {
        name: 'test',
        purpose: 'orders',
        owner: 'ada@example.com',
        contact: 'team@example.com',
        scopes: ['orders:read'],
        allowed_ips: ['192.0.2.0/24'],
        metadata: { plan: { name: 'pro' } },
      })
      answers.set(operation.name, await callOperation(keyturn, operation, place))
    }
  })
  afterAll(() => keyturn.stop())

  it.each(operations)('$name: is what its description says, field by field', (operation) => {
    const answer = answers.get(operation.name)
    const described = answersOf(operation)[String(answer?.status)]
    expect(described).toBeDefined()
    const [type, content] = Object.entries(described?.content ?? {})[0] ?? []
    if (!content || !answer) return expect(answer?.text).toBe('')
    expect(answer.headers.get('content-type')).toMatch(new RegExp(`^${type?.replace(/[/+]/g, '\\$&')}(;|$)`))
    const value = type === 'application/json' ? answer.body : answer.text
    expect([...mismatches(value, content.schema, operation.name)]).toEqual([])
  })

  it('is kept by nobody: every answer under /v1 says no-store, errors too', async () => {
    const place = await makePlace(keyturn)
    const errors = await Promise.all([
      ...operations.map((operation) => callOperation(keyturn, operation, place, { key: null })),
      ...operations.map((operation) => callOperation(keyturn, operation, place, { key: 'nobody' })),
      keyturn.request('GET', '/v1/nothing'),
      keyturn.request('PUT', '/v1/organizations'),
      keyturn.request('POST', '/v1/verify', { raw: '{' }),
      keyturn.request('POST', '/v1/verify', { raw: ' '.repeat(300_000) }),
      keyturn.request('GET', `/v1/keys/${place.key}x`),
    ])
    for (const { headers, status } of [...answers.values(), ...errors]) {
      expect([status, headers.get('cache-control')]).toEqual([status, 'no-store'])
    }
  })

  it('to the example of each body is that it worked, so that people can start from it', async () => {
    for (const operation of operations.filter(({ body }) => body?.$ref !== undefined)) {
      const { example: body, properties } = resolve(operation.body ?? {})
      if (Object.keys(properties ?? {}).length === 0) continue
      expect([operation.name, body]).toEqual([operation.name, expect.any(Object)])
      const answer = await callOperation(keyturn, operation, await makePlace(keyturn, undefined, operation), { body })
      expect([operation.name, answer.status]).toEqual([operation.name, sampleOf(operation).status])
    }
  })

  it('carries the id of its request, that of the caller if it is harmless', async () => {
    const idOf = async (given?: string) =>
      (
        await keyturn.request(
          'GET',
          '/v1/organizations',
          given === undefined ? {} : { headers: { 'x-request-id': given } },
        )
      ).headers.get('x-request-id')
    expect(await idOf()).toMatch(/^req_[0-9a-z]{26}$/)
    expect(await idOf('trace-1.2:3_4')).toBe('trace-1.2:3_4')
    for (const harmful of ['', 'a b', '<script>', 'x'.repeat(101), 'a"b', 'é'])
      expect(await idOf(harmful)).toMatch(/^req_/)
    const refused = await keyturn.request('GET', '/v1/organizations', {
      key: null,
      headers: { 'x-request-id': 'mine' },
    })
    expect(refused.body.request_id).toBe('mine')
  })

  it('is never guessed to be of another type, and tells no other site where it came from', () => {
    for (const [name, { headers }] of answers) {
      // No browser asks for it, and it has no byte to spare.
      if (name === 'POST /v1/verify') continue
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('same-origin')
    }
  })

  it('explains every error code where its type leads', async () => {
    const { text, headers, status } = await keyturn.request('GET', '/docs/errors', { key: null })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    for (const code of errorCodes) expect(text).toContain(`id="${code}"`)
    expect([...text.matchAll(/ id="([a-z_]+)"/g)].map((match) => match[1])).toEqual([...errorCodes])
    expect(text).not.toMatch(/undefined|\[object/)
  })

  it('without a key is: alive, ready, the document, and that there is nothing else', async () => {
    const get = (path: string) => keyturn.request('GET', path, { key: null })
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'alive' } })
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
    expect((await get('/openapi.json')).body).toEqual(apiDescription)
    expect((await get('/')).headers.get('location')).toBe('/sign-in')
    for (const path of [
      '/nothing',
      '/v2/keys',
      '/docs/nothing',
      '/docs/../package.json',
      '/docs/%2e%2e/package.json',
    ]) {
      expect(faultOf(await get(path), { status: 404, code: 'route_not_found' })).toBeNull()
    }
    for (const path of ['/', '/healthz', '/readyz', '/openapi.json', '/docs', '/docs/errors', '/docs/swagger-ui.css']) {
      const answer = await keyturn.request('POST', path, { key: null })
      expect(faultOf(answer, { status: 405, code: 'method_not_allowed' })).toBeNull()
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
      expect((await keyturn.request('HEAD', path, { key: null })).status).toBeLessThan(400)
    }
  })
})
