import { z } from '@hono/zod-openapi'
import { type ImportAnswer, importAnswer, importedKey, keyImport, plainText } from '@keyturn/contract'
import type { Context } from 'hono'
import { DomainError } from '../../kernel/errors.ts'
import { type ImportedRow, importKeys } from '../../keys/import-keys.ts'
import { ImportRefused, type SentRow } from '../../keys/import-rows.ts'
import { findOrganization } from '../../organizations/find.ts'
import { answerOnce, callOf, type Env, type Services } from '../context.ts'
import { detailOf } from '../error-map.ts'
import { readImportCsv, type WrittenRow } from '../import-csv.ts'
import { limitBodyTo, strictBody } from '../middleware.ts'
import {
  describeIssue,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  managementRoute,
  newRoutes,
  organizationParam,
} from '../route.ts'

/** Bodies here have room for 10,000 rows, and are read once it is known who sends them. */
export const importPath = /^\/v1\/organizations\/[^/]+\/import(\.csv)?$/
export const largestImport = 16 * 1024 * 1024

const action = 'keys:create'
const tags = ['Keys']
const responses = { 201: jsonAnswer('What became of each row', importAnswer) }

const ofJson = managementRoute({
  action,
  method: 'post',
  path: '/v1/organizations/{org}/import',
  summary: 'Import keys that another system issued',
  description:
    'Scope `keys:write`. Up to 10,000 rows: all of them are imported, or none, and then every bad row is named. They go on working in their old shape, and can be disabled, rotated and revoked like any other. Rows whose key is there already are left as they are.',
  tags,
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(keyImport) },
  responses,
})
const ofCsv = managementRoute({
  action,
  method: 'post',
  path: '/v1/organizations/{org}/import.csv',
  summary: 'Import keys that another system issued, as CSV',
  description:
    'Scope `keys:write`. As the import of JSON. The first line names the columns, which are the fields of a row; scopes and networks are separated by spaces, `metadata`, `rate_limit` and `quota` are JSON.',
  tags,
  request: {
    params: organizationParam,
    headers: idempotencyHeader,
    query: z.strictObject({
      project: plainText(200).min(1).optional().describe('Id or slug, of the rows that name none.'),
    }),
    body: { required: true, content: { 'text/csv': { schema: { type: 'string' } } } },
  },
  responses,
})

export function importRoutes(services: Services) {
  const routes = newRoutes()
  routes.openAPIRegistry.registerComponent('schemas', 'ImportedKey', describeRow())
  const limit = limitBodyTo(largestImport)
  routes.use('/v1/organizations/:org/import', limit, strictBody)
  routes.use('/v1/organizations/:org/import.csv', limit)

  /** @throws DomainError import_refused, and what `importKeys` throws */
  async function answerImport(c: Context<Env>, org: string, written: readonly WrittenRow[], project?: string) {
    const organization = await findOrganization(callOf(services, c), org)
    const rows = checkEach(written)
    try {
      return await answerOnce(services, c, 201, (call) => importKeys(call, organization, rows, project), toWireImport)
    } catch (error) {
      if (error instanceof ImportRefused) throw new DomainError('import_refused', { rows: error.rows.map(inWords) })
      throw error
    }
  }
  routes.openapi(ofJson, (c) => {
    const { project, keys } = c.req.valid('json')
    const written = keys.map((row, index) => ({ line: index + 1, row }))
    return answerImport(c, c.req.valid('param').org, written, project)
  })
  routes.openapi(ofCsv, async (c) => {
    if (!/^text\/csv\s*(?:;|$)/i.test(c.req.header('content-type') ?? ''))
      throw new DomainError('unsupported_media_type', { wanted: 'text/csv' })
    const written = readImportCsv(new Uint8Array(await c.req.arrayBuffer()))
    return answerImport(c, c.req.valid('param').org, written, c.req.valid('query').project)
  })
  return routes
}

/** Rows are checked one by one, so that the body's schema does not have theirs in it. */
function describeRow() {
  const { $schema: _, $defs: __, ...schema } = z.toJSONSchema(importedKey, { io: 'input', unrepresentable: 'any' })
  // Schemas with a name are components of the document already.
  const described: unknown = JSON.parse(JSON.stringify(schema).replaceAll('#/$defs/', '#/components/schemas/'))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- schemas of OpenAPI 3.1 are JSON Schema 2020-12 (§4.8.24.1)
  return described as Parameters<ReturnType<typeof newRoutes>['openAPIRegistry']['registerComponent']>[2]
}

function* checkEach(written: readonly WrittenRow[]): Generator<SentRow> {
  for (const row of written) yield check(row)
}

function check({ line, row }: WrittenRow): SentRow {
  const read = importedKey.safeParse(row)
  if (read.success) return { line, row: read.data }
  const faults = read.error.issues.map((issue) => {
    const { path, detail } = describeIssue(issue)
    return { field: path === '' ? null : path, reason: detail }
  })
  return { line, faults }
}

const inWords = ({ line, fault: { field, reason } }: ImportRefused['rows'][number]) => ({
  line,
  field,
  detail: typeof reason === 'string' ? reason : detailOf(reason),
})

function toWireImport(rows: readonly ImportedRow[]): ImportAnswer {
  const warnings = new Map<string, ImportAnswer['warnings'][number]>()
  for (const { line, warnings: said } of rows) {
    for (const { code, detail } of said) {
      const known = warnings.get(code)
      if (known) known.lines.push(line)
      else warnings.set(code, { code, detail, lines: [line] })
    }
  }
  const existing = rows.filter((row) => row.existing).length
  return {
    imported: rows.length - existing,
    existing,
    keys: rows.map(({ line, keyId, projectId, name, hint, existing: wasThere }) => ({
      line,
      id: keyId,
      project_id: projectId,
      name,
      hint,
      existing: wasThere,
    })),
    warnings: [...warnings.values()],
  }
}
