import { countEventsEver } from '../audit/count-events.ts'
import { recordChanges } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import { inOrder } from '../limits/limit.ts'
import { lockProjectForKeys, type ProjectWithPolicy } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import { announceBulk } from '../storage/bulk.ts'
import type { Tx } from '../storage/database.ts'
import { violates } from '../storage/driver-errors.ts'
import { ImportRefused, judgeRow, refuseKnown, type SentRow } from './import-rows.ts'
import { findKnownSecrets, insertImported, type NewImported } from './import-store.ts'
import { countActiveKeys } from './key-store.ts'
import { adviceOn, type Warning } from './name-advice.ts'
import { matchNames } from './name-policy.ts'
import { type ReadImport, type ReadRow, readImport } from './read-import.ts'

/** What became of a row. */
export interface ImportedRow {
  readonly line: number
  readonly keyId: string
  readonly projectId: string
  readonly name: string
  readonly hint: string
  /** It was there already, and was not touched. */
  readonly existing: boolean
  /** What can be said of a new one. */
  readonly warnings: readonly Warning[]
}

/**
 * Makes keys of values that another system issued, which go on working in their old shape: all of them, or none. From then on they are keys
 * like any other. A row whose key is there already, live and in the same project, is left as it is: the same import twice changes nothing.
 *
 * @param sent is gone through once, a part at a time
 * @param projectIdOrSlug of the rows that name none
 * @returns a row for each, by line
 * @throws ImportRefused with everything that stands against any row
 * @throws DomainError insufficient_scope, project_not_found, active_key_limit_reached
 */
export async function importKeys(
  call: Call,
  organization: Organization,
  sent: Iterable<SentRow>,
  projectIdOrSlug: string | undefined,
): Promise<readonly ImportedRow[]> {
  requireScope(call.caller, 'keys:write')
  const read = await readImport(call, organization, sent, projectIdOrSlug)
  for (let tried = 1; ; tried++) {
    try {
      return await call.change((tx) => importInto(tx, call, organization.id, read))
    } catch (error) {
      // Somebody has imported one of them at the same moment, into another project. Now it is known, and is read as such.
      if (tried === 3 || !violates(error, 'secrets_digest_is_unique')) throw error
    }
  }
}

async function importInto(tx: Tx, call: Call, organizationId: string, read: ReadImport): Promise<ImportedRow[]> {
  await announceBulk(tx)
  const places = await lockPlaces(tx, organizationId, read.rows)
  const now = await call.now(tx)
  const digests = read.rows.map(({ digest }) => digest)
  const known = await findKnownSecrets(tx, digests, now)
  const refused = [...read.refused]
  const existing: ImportedRow[] = []
  const made: MadeRow[] = []
  for (const [projectId, { policy }] of places) {
    const rows = read.rows.filter((one) => one.projectId === projectId)
    const rules = { policy, matching: namesThatMatch(rows, policy.namePatterns), now }
    for (const one of rows) {
      const former = known.get(Buffer.from(one.digest).toString('hex'))
      const verdict = former ? refuseKnown(former, { organizationId, projectId }) : judgeRow(one.row, rules)
      if (typeof verdict === 'number') made.push(makeRow(one, verdict))
      else if (verdict !== null) refused.push(...[verdict].flat().map((fault) => ({ line: one.line, fault })))
      else if (former) existing.push({ line: one.line, ...former, existing: true, warnings: [] })
    }
  }
  if (refused.length > 0) throw new ImportRefused(refused)
  for (const [projectId, { policy }] of places) {
    const adding = made.filter((row) => row.projectId === projectId).length
    await refuseBeyondLimit(tx, organizationId, projectId, adding, policy.max_active_keys, now)
  }
  await write(tx, call, organizationId, made, now)
  const done = made.map(({ line, keyId, projectId, name, hint, owner, contact }) => {
    const warnings = adviceOn({ name, owner, contact, legacy: false })
    return { line, keyId, projectId, name, hint, existing: false, warnings }
  })
  return [...existing, ...done].sort((a, b) => a.line - b.line)
}

/** In the order of their ids, so that no two imports wait for each other. */
async function lockPlaces(tx: Tx, organizationId: string, rows: readonly ReadRow[]) {
  const places = new Map<string, ProjectWithPolicy>()
  for (const id of [...new Set(rows.map(({ projectId }) => projectId))].sort())
    places.set(id, await lockProjectForKeys(tx, organizationId, id))
  return places
}

// A pattern has 50 ms for all of these names together.
const namesPerMatch = 500

function namesThatMatch(rows: readonly ReadRow[], patterns: readonly string[]): ReadonlySet<string> {
  let names = [...new Set(rows.map(({ row }) => row.name))]
  for (const pattern of patterns) {
    const matching: string[] = []
    for (let from = 0; from < names.length; from += namesPerMatch)
      matching.push(...matchNames(names.slice(from, from + namesPerMatch), pattern))
    names = matching
  }
  return new Set(names)
}

/** @throws DomainError active_key_limit_reached */
async function refuseBeyondLimit(
  tx: Tx,
  organizationId: string,
  projectId: string,
  adding: number,
  limit: number,
  now: Instant,
): Promise<void> {
  if (adding === 0) return
  // Each key that was ever made has its event. Where even so many would not reach the limit, the keys need not be counted.
  if ((await countEventsEver(tx, organizationId)) + adding <= limit) return
  const active = await countActiveKeys(tx, organizationId, projectId, now, limit)
  if (active + adding <= limit) return
  const facts = { limit, active, adding, project: projectId, until: null, operations: ['revoke'] }
  throw new DomainError('active_key_limit_reached', facts)
}

type MadeRow = NewImported & { readonly line: number }

function makeRow(read: ReadRow, expiresAt: Instant): MadeRow {
  const { row, line, projectId, keyId, secretId, digest, hint, owner, allowedIps, searchLexemes } = read
  const isPublishable = row.kind === 'publishable'
  return {
    line,
    keyId,
    projectId,
    kind: row.kind,
    environment: row.environment,
    name: row.name,
    purpose: row.purpose || null,
    owner,
    contact: row.contact ?? null,
    scopes: row.scopes ?? [],
    allowedIps,
    metadata: row.metadata ?? {},
    rateLimit: inOrder(row.rate_limit ?? null),
    quota: row.quota ?? null,
    state: row.disabled ? 'disabled' : 'active',
    expiresAt,
    secretId,
    digest,
    hint,
    value: isPublishable ? (row.value ?? null) : null,
    seen: row.value !== undefined && !isPublishable,
    searchLexemes,
  }
}

// Each part is a statement of some 400 kilobytes; between two of them this process gives verdicts.
const rowsPerStatement = 500

async function write(tx: Tx, call: Call, organizationId: string, made: readonly MadeRow[], now: Instant) {
  for (let from = 0; from < made.length; from += rowsPerStatement) {
    const part = made.slice(from, from + rowsPerStatement)
    const digests = part.map(({ digest }) => digest)
    await insertImported(tx, organizationId, { at: now, by: call.caller.actor }, part)
    await recordChanges(tx, call, now, organizationId, part.map(eventOf), digests)
  }
}

const eventOf = (made: MadeRow) => ({
  action: 'key.imported' as const,
  projectId: made.projectId,
  target: { type: 'key' as const, id: made.keyId, name: made.name },
  before: null,
  after: {
    name: made.name,
    kind: made.kind,
    environment: made.environment,
    status: made.state,
    ...(made.purpose !== null && { purpose: made.purpose }),
    ...(made.owner !== null && { owner: made.owner }),
    ...(made.contact !== null && { contact: made.contact }),
    ...(made.scopes.length > 0 && { scopes: made.scopes }),
    ...(made.allowedIps.length > 0 && { allowed_ips: made.allowedIps }),
    ...(Object.keys(made.metadata).length > 0 && { metadata: made.metadata }),
    ...(made.rateLimit !== null && { rate_limit: made.rateLimit }),
    ...(made.quota !== null && { quota: made.quota }),
    expires_at: formatInstant(made.expiresAt),
    secret: made.secretId,
    hint: made.hint,
  },
})
