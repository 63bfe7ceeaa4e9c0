import { z } from '@hono/zod-openapi'
import { organizationImportAnswer, plainText } from '@keyturn/contract'
import { DomainError } from '../../kernel/errors.ts'
import { requireRoot } from '../../people/permissions.ts'
import { type ImportedOrganization, importOrganization } from '../../transfer/import-organization.ts'
import { LineRefused } from '../../transfer/lines.ts'
import { answerOnce, callOf, type Services } from '../context.ts'
import { idempotencyHeader, jsonAnswer, managementRoute, newRoutes } from '../route.ts'
import { toWireOrganization } from '../wire.ts'

/** Its body is not held in memory: it is written to disk as it comes, once it is known who sends it. */
export const organizationImportPath = /^\/v1\/organizations\/[^/]+\/import\.jsonl$/
export const largestExport = 4 * 1024 ** 3

const route = managementRoute({
  action: 'organizations:import',
  method: 'post',
  path: '/v1/organizations/{org}/import.jsonl',
  summary: 'Import an organization that another installation exported',
  description:
    'With the root key. The file of an export, unaltered, up to 4 GiB: all of it is imported, or nothing, and then the first line that cannot be is named. The organization keeps its id, which must not be here yet; so do its keys, and their values work on. Members are not made: invite them.',
  tags: ['Organizations'],
  request: {
    params: z.object({ org: plainText(200).describe('The id in the export, or the slug that it shall have here.') }),
    headers: idempotencyHeader,
    body: { required: true, content: { 'application/jsonl': { schema: { type: 'string' } } } },
  },
  responses: { 201: jsonAnswer('What was made', organizationImportAnswer) },
})

const toWire = ({ organization, ...imported }: ImportedOrganization) => ({
  organization: toWireOrganization(organization),
  ...imported,
  members: [...imported.members],
})

export function organizationImportRoutes(services: Services) {
  const routes = newRoutes()
  routes.openapi(route, async (c) => {
    requireRoot(callOf(services, c).caller)
    if (!/^application\/(?:jsonl|x-ndjson)\s*(?:;|$)/i.test(c.req.header('content-type') ?? ''))
      throw new DomainError('unsupported_media_type', { wanted: 'application/jsonl' })
    if (Number(c.req.header('content-length') ?? 0) > largestExport)
      throw new DomainError('body_too_large', { limit: largestExport })
    const { org } = c.req.valid('param')
    return services.spool.hold(bodyOf(c.req.raw), largestExport, async ({ digest, lines }) => {
      const work = async (call: ReturnType<typeof callOf>) => {
        try {
          return await importOrganization(call, services.masterKey, org, lines)
        } catch (error) {
          if (!(error instanceof LineRefused)) throw error
          const { line, field, detail } = error
          throw new DomainError('import_refused', { rows: [{ line, field, detail }] })
        }
      }
      return answerOnce(services, c, 201, work, toWire, digest)
    })
  })
  return routes
}

async function* bodyOf(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body) yield* request.body
}
