import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { largestBody } from '../../src/http/middleware.ts'
import { largestImport } from '../../src/http/routes/import.ts'
import { anEngine, engines } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn, type RequestOptions } from '../support/keyturn.ts'
import { fieldsOf, type JsonType, operations, resolve, type Schema, typesOf, withField } from '../support/operations.ts'
import { type Expected, faultOf } from '../support/problems.ts'
import {
  bodyOf,
  callOperation,
  expectNothingChanged,
  makePlace,
  type Place,
  pathOf,
  sampleOf,
  staleSamples,
} from '../support/samples.ts'

/** Where any text is an answer of its own: it is compared or searched for, and kept nowhere. */
const takesAnyText = new Set([
  'POST /v1/verify key',
  'POST /v1/verify project',
  'q',
  'owner',
  'recipient',
  'key',
  'actor',
  'external_id',
])
/** Texts that may be empty, which stands for none. */
const mayBeEmpty = new Set(['purpose', 'reason', 'POST /v1/verify key', 'POST /v1/verify project', 'q', 'owner'])

const takesRows = ({ name }: { name: string }) => name === 'POST /v1/organizations/{org}/import'

const valuesByType: Record<JsonType, readonly unknown[]> = {
  string: ['text', '5', ''],
  integer: [5],
  number: [1.5],
  boolean: [true, false],
  null: [null],
  array: [[], ['text'], [null]],
  object: [{}, { a: 1 }],
}

/** Values of the JSON types that a field does not have. */
function wrongValues(schema: Schema): unknown[] {
  const allowed = typesOf(schema)
  return Object.entries(valuesByType).flatMap(([type, values]) => (allowed.has(type as JsonType) ? [] : values))
}

/** Texts that break out of a line, a mail header, a CSV row, a C string or an encoding, or that look like another. */
const hostileTexts = {
  NUL: 'a\u0000b',
  'a lone surrogate': 'a\ud800b',
  'a direction override': 'a\u202eb',
  'a line break': 'a\r\nb',
  'a line separator': 'a\u2028b',
  'an escape sequence': 'a\u001b[31mb',
  'nothing visible': '\u200b\u00a0\u2060',
}

/** The same in a URL, and octets that are no UTF-8 there. */
const hostileOctets = [
  '%00',
  'a%00b',
  '%ED%A0%80',
  '%E2%80%AE',
  'a%0D%0Ab',
  '%FF',
  '%C0%AF',
  '%',
  '%zz',
  "';--",
  '%F0%9F',
]

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const nestedObjects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const withMarker = (body: object, path: string, raw: string) =>
  JSON.stringify(withField(body, path, '@here@')).replace('"@here@"', raw)

interface Case extends RequestOptions {
  /** What is wrong with it, for whoever reads the failure. */
  readonly what: string
  readonly query?: string
  readonly place?: Partial<Place>
  readonly expected?: Expected
  /** An answer that is no error is right, too. */
  readonly mayPass?: boolean
}

describe.each(anEngine('PGlite'))('a request with something wrong in it, on $name', (engine) => {
  let keyturn: Keyturn
  let place: Place
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    place = await makePlace(keyturn)
  })
  afterAll(() => keyturn.stop())

  it('is generated from every endpoint there is, and from none that is gone', () => {
    expect(operations.length).toBeGreaterThan(20)
    for (const operation of operations) expect(sampleOf(operation).status).toBeLessThan(300)
    expect(staleSamples(operations)).toEqual([])
  })

  describe.each(operations)('$name', (operation) => {
    const { body: schema, method } = operation
    const queries = operation.parameters.filter((parameter) => parameter.in === 'query')
    const paths = operation.parameters.filter((parameter) => parameter.in === 'path')
    const example = () => bodyOf(operation, place) ?? {}
    const withoutFields = schema === null ? {} : { body: {} }

    async function expectRefused(cases: readonly Case[]) {
      expect(cases.length).toBeGreaterThan(0)
      await expectNothingChanged(keyturn, async () => {
        const faults = await Promise.all(
          cases.map(async ({ what, expected, mayPass, place: elsewhere, ...options }) => {
            const answer = await callOperation(keyturn, operation, { ...place, ...elsewhere }, options)
            const fault = mayPass && answer.status === 200 ? null : faultOf(answer, expected)
            return fault && `${what}: ${fault}`
          }),
        )
        expect(faults.filter((fault) => fault !== null).join('\n')).toBe('')
      })
    }

    it('is answered where nothing is wrong', async () => {
      const { status } = await callOperation(keyturn, operation, await makePlace(keyturn, undefined, operation))
      expect(status).toBe(sampleOf(operation).status)
    })

    it('names a query parameter that it does not know', () =>
      expectRefused(
        ['nonsense', 'Limit', '__proto__', 'constructor'].map((name) => ({
          what: name,
          query: `?${name}=1`,
          expected: { status: 400, code: 'invalid_request', path: name },
        })),
      ))

    it('has 405 for every method that it does not have, with those that it has', async () => {
      const known = operations.filter((other) => other.path === operation.path).map((other) => other.method)
      const allowed = [...known, ...(known.includes('GET') ? ['HEAD'] : [])].sort()
      const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'].filter(
        (candidate) => !allowed.includes(candidate),
      )
      await expectNothingChanged(keyturn, async () => {
        for (const other of others) {
          const answer = await keyturn.request(other, pathOf(operation, place))
          expect(faultOf(answer, { status: 405, code: 'method_not_allowed' })).toBeNull()
          expect(answer.headers.get('allow')).toBe(allowed.join(', '))
        }
      })
    })

    if (paths.length > 0) {
      it('finds nothing under an id or slug that cannot be one', () =>
        expectRefused(
          [...hostileOctets, 'x'.repeat(201), 'key_%00', 'org_%00', 'prj_%00', '_management', '%20', '-'].flatMap(
            (text) => paths.map(({ name }) => ({ what: `${name} ${text}`, place: { [name]: text } })),
          ),
        ))
    }

    if (queries.length > 0) {
      it('refuses a query parameter that is given twice', () =>
        expectRefused(
          queries.map(({ name }) => ({
            what: name,
            query: `?${name}=active&${name}=active`,
            ...withoutFields,
            expected: { status: 400, code: 'invalid_request', path: name },
          })),
        ))

      it('refuses a query parameter with a value that it cannot have', () =>
        expectRefused(
          queries.flatMap(({ name, schema: unresolved }) => {
            const { maxLength, enum: values, format } = resolve(unresolved)
            const wrong = [
              ...(format === 'date-time' ? ['x', '', '2027-01-01', '2027-02-30T00:00:00Z', '1767225600'] : []),
              ...(typesOf(unresolved).has('integer') ? ['x', '1.5', '-1', '0', '201', '1e999', 'null', ''] : []),
              ...(values ? ['nonsense', '', 'NEXT_EXPIRY_AT'] : []),
              ...(['status', 'kind'].includes(name) ? ['nonsense', '', 'active,', 'secret,,jwt', 'a b'] : []),
              ...(/^(since|until|within|unused_since|refused_since|expires_)/.test(name)
                ? ['', 'soon', '2027-02-30T00:00:00Z', '-1d']
                : []),
              ...(/^(within|unused_since|refused_since|expires_)/.test(name)
                ? ['99999999999d', '9999999999d', '1 d', '1w']
                : []),
              ...(name === 'cursor' ? wrongCursors : []),
              ...(name === 'external_id' ? ['', 'x y', 'x'.repeat(201)] : []),
              ...(maxLength === undefined ? [] : ['x'.repeat(maxLength + 1)]),
            ]
            expect(wrong, `no wrong value is known for ${name}`).not.toEqual([])
            return wrong.map((value) => ({
              what: `${name}=${value.slice(0, 60)}`,
              query: `?${name}=${encodeURIComponent(value)}`,
              ...withoutFields,
            }))
          }),
        ))

      it('survives hostile octets in every query parameter', () =>
        expectRefused(
          queries.flatMap(({ name }) =>
            [...hostileOctets, ...hostileOctets.map((octets) => `a@${octets}`)].map((octets) => ({
              what: `${name}=${octets}`,
              query: `?${name}=${octets}`,
              ...withoutFields,
              mayPass: takesAnyText.has(name) && !octets.includes('%00'),
            })),
          ),
        ))
    }

    if (schema === null) return

    it('refuses a body that is not JSON', () =>
      expectRefused(
        ['{', '{"name":"x",}', "{'name':1}", 'nul', '[1,2', '{}{}', 'NaN', '\u0000', '{"name":"\n"}', '{"a":01}'].map(
          (raw) => ({ what: raw, raw, expected: { status: 400, code: 'invalid_json' } }),
        ),
      ))

    it('refuses a body that is not one object', () =>
      expectRefused(
        ['[]', '[{}]', 'null', '5', '"text"', 'true', nested(20_000)].map((raw) => ({
          what: raw.slice(0, 40),
          raw,
          expected: { status: 400, code: 'invalid_request' },
        })),
      ))

    it('refuses a name that occurs twice in one object, however it is written', () =>
      expectRefused(
        ['{"x":1,"x":1}', '{"x":1,"\\u0078":2}', '{"x":{"y":[{"z":1,"z":2}]}}', '{"__proto__":1,"__proto__":2}'].map(
          (raw) => ({ what: raw, raw, expected: { status: 400, code: 'invalid_json' } }),
        ),
      ))

    it('refuses a body that is not UTF-8', () =>
      expectRefused(
        [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]].map((octets) => ({
          what: octets.join(' '),
          raw: new Uint8Array([...Buffer.from('{"name":"'), ...octets, ...Buffer.from('"}')]),
          expected: { status: 400, code: 'invalid_json' },
        })),
      ))

    it('refuses another content type, or none, with 415', () =>
      expectRefused(
        [
          '',
          'text/plain',
          'text/json',
          'application/x-www-form-urlencoded',
          'application/merge-patch+json',
          'application/json; charset=latin1',
          'application/json, text/plain',
          'application/jsonx',
        ].map((type) => ({
          what: type,
          headers: { 'content-type': type },
          raw: JSON.stringify(example()),
          expected: { status: 415, code: 'unsupported_media_type' },
        })),
      ))

    it('refuses more than 256 KiB with 413, announced or not; of imports more than 16 MiB', async () => {
      const raw = JSON.stringify(example()).padEnd((takesRows(operation) ? largestImport : largestBody) + 1)
      const expected = { status: 413, code: 'body_too_large' }
      await expectRefused([{ what: 'announced', raw, expected }])
      await expectNothingChanged(keyturn, async () => {
        expect(faultOf(await sendInChunks(keyturn, method, pathOf(operation, place), raw), expected)).toBeNull()
      })
    })

    it('names a field that it does not know', () =>
      expectRefused(
        ['nonsense', 'Name', '__proto__', 'constructor', 'toString', 'name ', ''].map((name) => ({
          what: name,
          raw: JSON.stringify(example()).replace(
            /^\{/,
            `{${JSON.stringify(name)}:1${hasNoField(example()) ? '' : ','}`,
          ),
          expected: { status: 400, code: 'invalid_request', path: name },
        })),
      ))

    it('survives nesting without end in an unknown field', () =>
      expectRefused([
        { what: 'arrays', raw: withMarker(example(), 'nonsense', nested(20_000)) },
        { what: 'objects', raw: withMarker(example(), 'nonsense', nestedObjects(10_000)) },
      ]))

    // What is wrong with a row is said by its line (import.test.ts).
    const fields = fieldsOf(schema).filter(({ path }) => !(takesRows(operation) && path.startsWith('keys.')))
    if (fields.length === 0) return

    it('names every field that has a value of another type', () =>
      expectRefused(
        fields.flatMap(({ path, schema: field }) =>
          wrongValues(field).map((value) => ({
            what: `${path} ${JSON.stringify(value)}`,
            body: withField(example(), path, value),
            expected: { status: 400, code: 'invalid_request', path },
          })),
        ),
      ))

    it('refuses nesting without end in every field', () =>
      expectRefused(
        fields.flatMap(({ path }) =>
          [nested(20_000), nestedObjects(10_000)].map((raw) => ({
            what: `${path} ${raw.slice(0, 5)}`,
            raw: withMarker(example(), path, raw),
          })),
        ),
      ))

    const numbers = fields.filter(({ schema: field }) => typesOf(field).has('integer'))
    if (numbers.length > 0) {
      it('names every number that is out of its range', () =>
        expectRefused(
          numbers.flatMap(({ path, schema: { minimum = 0, maximum = 0 } }) =>
            [`${minimum - 1}`, `${maximum + 1}`, '1.5', '-0.1', '1e400', '-1e400', '9007199254740993'].map((raw) => ({
              what: `${path} ${raw}`,
              raw: withMarker(example(), path, raw),
              expected: { status: 400, code: 'invalid_request', path },
            })),
          ),
        ))
    }

    const texts = fields.filter(({ schema: field }) => typesOf(field).has('string'))
    if (texts.length > 0) {
      const isFree = (path: string) => takesAnyText.has(`${operation.name} ${path}`)

      it('refuses every text that is too long', () =>
        expectRefused(
          texts.flatMap(({ path, schema: { maxLength = 20_000 } }) =>
            [maxLength + 1, 20_000].map((length) => ({
              what: `${path}, ${length} characters`,
              body: withField(example(), path, 'x'.repeat(length)),
            })),
          ),
        ))

      const neverEmpty = texts.filter(
        ({ path }) => !mayBeEmpty.has(path) && !mayBeEmpty.has(`${operation.name} ${path}`),
      )
      if (neverEmpty.length > 0) {
        it('refuses every text that is empty', () =>
          expectRefused(
            neverEmpty.flatMap(({ path }) =>
              // A pattern of white space alone is one, if a strange one.
              (path.endsWith('name_pattern') ? [''] : ['', ' ', '\u00a0\t']).map((text) => ({
                what: `${path} ${JSON.stringify(text)}`,
                body: withField(example(), path, text),
              })),
            ),
          ))
      }

      it('refuses hostile Unicode in every text', () =>
        expectRefused(
          texts.flatMap(({ path }) =>
            Object.entries(hostileTexts)
              // What cannot be seen is as good as nothing where nothing may stand.
              .filter(([what]) => what !== 'nothing visible' || neverEmpty.some((text) => text.path === path))
              .filter(([what]) => what !== 'nothing visible' || !path.endsWith('name_pattern'))
              .map(([what, text]) => ({
                what: `${path}: ${what}`,
                body: withField(example(), path, text),
                mayPass: isFree(path),
              })),
          ),
        ))
    }
  })
})

describe.each(engines)('a body that is right, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  it('may have exactly 256 KiB', async () => {
    const raw = JSON.stringify({ name: 'Padded' }).padEnd(largestBody)
    expect((await keyturn.request('POST', '/v1/projects/default/keys', { raw })).status).toBe(201)
  })

  it('may come with any spelling of its content type', async () => {
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json;charset=utf-8',
      'application/json; charset="UTF-8"',
    ]) {
      const options = { body: { name: `Sent as ${type}` }, headers: { 'content-type': type } }
      expect((await keyturn.request('POST', '/v1/projects/default/keys', options)).status, type).toBe(201)
    }
  })

  it('may be left out where no field is required, with a content type or without', async () => {
    const { key } = await keyturn.createKey('default')
    for (const headers of [{}, { 'content-type': 'application/json' }] as Record<string, string>[]) {
      expect((await keyturn.request('POST', `/v1/keys/${key.id}/disable`, { headers })).status).toBe(200)
    }
    const answer = await keyturn.request('POST', '/v1/projects/default/keys')
    expect(faultOf(answer, { status: 400, code: 'invalid_request', path: 'name' })).toBeNull()
  })

  it('keeps what people write, in every script', async () => {
    const names = [
      'Zapier — Produktion',
      'Łódź ✈ תל־אביב',
      '日本語の鍵',
      'e\u0301tude',
      '👩‍👩‍👧 family',
      "Robert'); DROP TABLE keys;--",
    ]
    for (const name of names) {
      const { key } = await keyturn.createKey('default', { name, purpose: 'one\n\ttwo' })
      const { body } = await keyturn.request('GET', `/v1/keys/${key.id}`)
      expect(body).toMatchObject({ name: name.normalize('NFC'), purpose: 'one\n\ttwo' })
    }
  })

  it('keeps metadata as it came, and refuses what no store would give back', async () => {
    const metadata = {
      plan: 'pro',
      'a.b': [1, -0.5, 1e21, null, { deep: 'ß\u202e\r\n"\\' }],
      '': true,
      constructor: 'x',
    }
    const { key, secret } = await keyturn.createKey('default', { metadata })
    expect(key.metadata).toEqual(metadata)
    expect((await keyturn.verify(secret.value)).key?.metadata).toEqual(metadata)
    await expectNothingChanged(keyturn, async () => {
      const deep = JSON.parse(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`)
      for (const wrong of [
        { a: '\u0000' },
        { a: ['\ud800'] },
        { '\u0000': 1 },
        { '\udfff': 1 },
        deep,
        { a: 'x'.repeat(4_090) },
      ]) {
        const answer = await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { metadata: wrong } })
        expect(faultOf(answer, { status: 400, code: 'invalid_request', path: 'metadata' })).toBeNull()
      }
    })
  })
})

const cursorOf = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString('base64url')

/** Cursors that nobody was given: of another list, of another sort, or made up. */
const wrongCursors = [
  '',
  'nonsense',
  '0',
  '-1',
  '99999999999999999',
  'key_\u0000',
  'org_\u0000',
  'prj_\u0000',
  cursorOf(),
  cursorOf('next_expiry_at', false, '2027-01-01T00:00:00.000Z'),
  cursorOf('next_expiry_at', 'false', '2027-01-01T00:00:00.000Z', 'key_x'),
  cursorOf('next_expiry_at', false, '9999-99-99T99:99:99.999Z', 'key_x'),
  cursorOf('next_expiry_at', false, '0000-01-01T00:00:00.000Z', 'key_x'),
  cursorOf('next_expiry_at', false, 'soon', 'key_x'),
  cursorOf('next_expiry_at', false, '2027-01-01T00:00:00.000Z', 'key_\u0000'),
  cursorOf('next_expiry_at', false, '2027-01-01T00:00:00.000Z', { id: 1 }),
  cursorOf('name', false, 'a', 'key_x'),
  cursorOf('nonsense', false, 'a', 'key_x'),
]

const hasNoField = (body: object) => Object.keys(body).length === 0

/** With no word of how much will come, on a connection of its own. */
async function sendInChunks(keyturn: Keyturn, method: string, path: string, text: string): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${keyturn.rootKey}`,
    'content-type': 'application/json',
    'transfer-encoding': 'chunked',
  }
  const sent = request(`${keyturn.url}${path}`, { method, headers, agent: false })
  for (const chunk of text.match(/[^]{1,16384}/g) ?? []) sent.write(chunk)
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const answer = Buffer.concat(await response.toArray()).toString()
  return {
    status: response.statusCode ?? 0,
    headers: new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
    text: answer,
    body: JSON.parse(answer),
  }
}
