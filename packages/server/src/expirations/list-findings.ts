import { type FindingCode, findingCodes } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import { type Instant, parseInstant } from '../kernel/instant.ts'
import { isVague, vagueWords } from '../keys/name-advice.ts'
import { type KeyView, viewKeysById } from '../keys/view-keys.ts'
import { readProjects } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { countNetworks, detailOf, type Finding, manyNetworks } from './finding.ts'
import { type FindingScope, findKeysWith, listAddresses } from './finding-store.ts'
import { type ExpirationReach, reachOf } from './list-expirations.ts'

export interface FindingListQuery {
  readonly code?: readonly FindingCode[] | undefined
  readonly owner?: string | undefined
  readonly project?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/**
 * What somebody should look at, what presses most first, then by key. Looked for when it is asked for: what was put right is gone.
 *
 * @throws DomainError insufficient_scope, project_not_found, invalid_cursor
 */
export async function listFindings(
  call: Call,
  organization: Organization,
  query: FindingListQuery,
): Promise<{ data: Finding[]; nextCursor: string | null }> {
  const reach = reachOf(call, organization)
  const now = await call.now(call.reader)
  const scope = await scopeOf(call, reach, query)
  const codes = findingCodes.filter((code) => query.code?.includes(code) ?? true)
  const start = parseCursor(query.cursor)
  const data: Finding[] = []
  for (const code of codes) {
    if (start && findingCodes.indexOf(code) < findingCodes.indexOf(start.code)) continue
    const after = start?.code === code ? start.keyId : null
    data.push(...(await findWith(call, code, scope, { after, limit: query.limit + 1 - data.length, now })))
    if (data.length > query.limit) break
  }
  const page = data.slice(0, query.limit)
  const last = page.at(-1)
  return { data: page, nextCursor: data.length > query.limit && last ? formatCursor(last) : null }
}

const fewestLookedAt = 200

/** The database finds all of which it may hold; what it cannot tell is looked at here. */
async function findWith(
  call: Call,
  code: FindingCode,
  scope: FindingScope,
  { after, limit, now }: { after: string | null; limit: number; now: Instant },
): Promise<Finding[]> {
  const found: Finding[] = []
  const step = Math.max(limit, fewestLookedAt)
  for (let from = after; found.length < limit; ) {
    const ids = await findKeysWith(call.reader, code, scope, vagueWords, { after: from, limit: step, now })
    const views = await viewKeysById(call.reader, scope.organizationId, ids, now)
    const networks = code === 'many_networks' ? await countNetworksOf(call, scope, ids, now) : new Map<string, number>()
    for (const id of ids) {
      const view = views.get(id)
      if (view && holds(code, view, networks))
        found.push({ code, view, detail: detailOf(code, view, networks.get(id) ?? 0) })
    }
    from = ids.at(-1) ?? null
    if (ids.length < step) break
  }
  return found.slice(0, limit)
}

function holds(code: FindingCode, { key }: KeyView, networks: ReadonlyMap<string, number>): boolean {
  if (code === 'vague_name') return isVague(key.name)
  if (code === 'many_networks') return (networks.get(key.id) ?? 0) >= manyNetworks
  return true
}

async function countNetworksOf(
  call: Call,
  { organizationId }: FindingScope,
  keyIds: readonly string[],
  now: Instant,
): Promise<Map<string, number>> {
  const rows = await listAddresses(call.reader, organizationId, keyIds)
  const byKey = Map.groupBy(rows, ({ keyId }) => keyId)
  return new Map(
    [...byKey].map(([id, secrets]) => {
      const seen = secrets.flatMap(({ addresses }) => addresses)
      return [
        id,
        countNetworks(
          seen.map(({ address, at }) => ({ address, at: parseInstant(at) })),
          now,
        ),
      ]
    }),
  )
}

async function scopeOf(call: Call, reach: ExpirationReach, query: FindingListQuery): Promise<FindingScope> {
  const { project } = query
  const wanted = (id: string, slug: string) =>
    project === undefined || (isIdOf('project', project) ? id : slug) === project
  const within = (await readProjects(call.reader, reach.organizationId)).filter(
    ({ project: { id, slug, management } }) =>
      (management
        ? reach.managementKeys && project === undefined
        : reach.projects === null || reach.projects.has(id)) && wanted(id, slug),
  )
  if (project !== undefined && within.length === 0) throw new DomainError('project_not_found')
  const projects = within.map(({ project: { id }, policy }) => ({
    id,
    idleSeconds: policy.idle_after,
    reviewSeconds: policy.review_every,
  }))
  return { organizationId: reach.organizationId, projects, owner: query.owner ?? null }
}

const formatCursor = ({ code, view }: Finding): string =>
  Buffer.from(JSON.stringify(['findings', code, view.key.id])).toString('base64url')

function parseCursor(cursor: string | undefined): { code: FindingCode; keyId: string } | null {
  if (cursor === undefined) return null
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === 3 && parsed[0] === 'findings') {
      const [, wanted, keyId] = parsed as unknown[]
      const code = findingCodes.find((known) => known === wanted)
      if (code && typeof keyId === 'string' && isIdOf('key', keyId) && !keyId.includes('\0')) return { code, keyId }
    }
  } catch {
    // Not one of ours; said below.
  }
  throw new DomainError('invalid_cursor')
}
