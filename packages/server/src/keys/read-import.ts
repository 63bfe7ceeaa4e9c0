import type { ImportedKey } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { findProject, readProjects } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { reachesProject } from '../people/permissions.ts'
import { normaliseNetworks } from '../verification/networks.ts'
import { digestOf, type ImportRefused, importedHint, refuseValue, type SentRow } from './import-rows.ts'
import { searchLexemes } from './search-words.ts'

/** A row against which nothing can be said without a look at other keys and the rules, with all that can be made of it before that. */
export interface ReadRow {
  readonly line: number
  readonly row: ImportedKey
  readonly projectId: string
  readonly keyId: string
  readonly secretId: string
  readonly digest: Uint8Array
  readonly hint: string
  readonly owner: string | null
  readonly allowedIps: readonly string[]
  readonly searchLexemes: readonly string[]
}

export interface ReadImport {
  readonly rows: readonly ReadRow[]
  readonly refused: ImportRefused['rows']
}

// So many rows between two looks at what else this process has to do: verdicts do not wait for an import.
const rowsPerTurn = 100

/**
 * What can be said of the rows by themselves: whether each could be presented, is there once, and names a project within reach. All of it
 * before the transaction, which others may have to wait for.
 *
 * @param projectIdOrSlug of the rows that name none
 * @throws DomainError project_not_found where that is not there
 */
export async function readImport(
  call: Call,
  organization: Organization,
  sent: Iterable<SentRow>,
  projectIdOrSlug: string | undefined,
): Promise<ReadImport> {
  const now = await call.now(call.reader)
  const within = withinOrganization(call, organization)
  const usual = await findUsual(within, organization, projectIdOrSlug)
  const projects = new Map<string, string | null>()
  const firstLines = new Map<string, number>()
  const rows: ReadRow[] = []
  const refused: ImportRefused['rows'][number][] = []
  let seen = 0
  for (const one of sent) {
    if (++seen % rowsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
    const { line } = one
    const refuse = (field: string, reason: string) => void refused.push({ line, fault: { field, reason } })
    if ('faults' in one) {
      refused.push(...one.faults.map((fault) => ({ line, fault })))
      continue
    }
    const { row } = one
    if (row.project !== undefined && !projects.has(row.project))
      projects.set(row.project, await locate(within, row.project))
    const projectId = row.project === undefined ? usual : projects.get(row.project)
    if (!projectId)
      refuse('project', row.project === undefined ? 'is required, here or for the whole call' : 'is not there')
    const why = row.value === undefined ? null : refuseValue(row.value, call.keyPrefix)
    if (why !== null) refuse('value', why)
    const digest = digestOf(row)
    const digestText = Buffer.from(digest).toString('latin1')
    const firstLine = firstLines.get(digestText)
    if (firstLine === undefined) firstLines.set(digestText, line)
    else refuse('value', `is that of line ${firstLine}, too`)
    if (!projectId || why !== null || firstLine !== undefined) continue
    const [keyId, hint] = [newId('key', now), importedHint(row, digest)]
    const owner = row.owner === undefined ? (call.caller.person?.email ?? organization.notificationEmail) : row.owner
    const found = { id: keyId, name: row.name, purpose: row.purpose || null, owner, hints: [hint] }
    rows.push({
      line,
      row,
      projectId,
      keyId,
      secretId: newId('secret', now),
      digest,
      hint,
      owner,
      allowedIps: normaliseNetworks(row.allowed_ips ?? []),
      searchLexemes: searchLexemes(organization.id, found),
    })
  }
  return { rows, refused }
}

/** The root key's slugs are those of this organization alone. */
const withinOrganization = (call: Call, { id }: Organization): Call => ({
  ...call,
  caller: { ...call.caller, organizationId: id },
})

/** Of the rows that name none: what the call says, else the only one there is. @throws DomainError project_not_found */
async function findUsual(call: Call, organization: Organization, idOrSlug: string | undefined): Promise<string | null> {
  if (idOrSlug !== undefined) return (await findProject(call, idOrSlug)).id
  const all = await readProjects(call.reader, organization.id)
  const visible = all.filter(
    ({ project }) => !project.management && reachesProject(call.caller, organization.id, project.id),
  )
  return (visible.length === 1 && visible[0]?.project.id) || null
}

/** Null: there is none within reach. */
async function locate(call: Call, idOrSlug: string): Promise<string | null> {
  try {
    return (await findProject(call, idOrSlug)).id
  } catch (error) {
    if (error instanceof DomainError && error.code === 'project_not_found') return null
    throw error
  }
}
