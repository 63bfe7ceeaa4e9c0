import { type OrganizationImportAnswer, slug as slugSchema } from '@keyturn/contract'
import { restoreEvents, restoreHead } from '../audit/carry-chain.ts'
import { recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import { parseInstant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { restoreChannels } from '../notifications/restore-channels.ts'
import { findOrganization } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireRoot } from '../people/permissions.ts'
import { announceBulk } from '../storage/bulk.ts'
import type { Tx } from '../storage/database.ts'
import { type CheckedExport, checkExport, type SentExport } from './check-export.ts'
import { type LineOf, LineRefused, readLine } from './lines.ts'
import { type Numbered, placeCredentials, placeKeys, placeOrganization, placeProjects } from './place-records.ts'

/** What was made. */
export interface ImportedOrganization extends Omit<OrganizationImportAnswer, 'organization'> {
  readonly organization: Organization
}

/**
 * Makes the organization of an export, with all that is in it: keys go on working, the trail goes on where it stood, with the import as its next
 * event. The file is gone through twice: once before the transaction, by itself, and once inside it. All of it is made, or nothing.
 *
 * @param idOrSlug the id that the export says, or the slug that it shall have here
 * @throws LineRefused with the first line that cannot be taken
 * @throws DomainError root_key_required, organization_not_found where the id is another one, invalid_request, organization_exists, slug_taken,
 *   external_id_taken
 */
export async function importOrganization(
  call: Call,
  masterKey: MasterKey,
  idOrSlug: string,
  sent: SentExport,
): Promise<ImportedOrganization> {
  requireRoot(call.caller)
  const checked = await checkExport(sent, await call.now(call.reader))
  const slug = chooseSlug(checked.organization, idOrSlug)
  return call.change(async (tx) => {
    await announceBulk(tx)
    await placeOrganization(tx, checked, slug)
    await placeProjects(tx, checked)
    await placeChannels(tx, masterKey, checked)
    const counted = await placeLines(tx, checked, sent)
    await restoreHead(tx, checked.organization.id, checked.head)
    const counts = { projects: checked.projects.size - 1, ...counted, channels: checked.channels.size }
    await recordImport(tx, call, checked, { slug, ...counts, audit_events: checked.head.sequence })
    const organization = await findOrganization({ ...call, reader: tx }, checked.organization.id)
    const members = [...checked.members.values()].map(({ type: _, id: __, ...member }) => member)
    return { organization, ...counts, audit_events: checked.head.sequence, members }
  })
}

/** An id is that of the export, which keeps its slug. @throws DomainError */
function chooseSlug(organization: LineOf<'organization'>, idOrSlug: string): string {
  if (idOrSlug === organization.id) return organization.slug
  if (isIdOf('organization', idOrSlug)) throw new DomainError('organization_not_found')
  const slug = slugSchema.safeParse(idOrSlug)
  if (slug.success) return slug.data
  const detail = `is neither ${organization.id} nor a slug, which has a-z, 0-9 and - in it`
  throw new DomainError('invalid_request', { errors: [{ path: 'org', detail }] })
}

async function placeChannels(tx: Tx, masterKey: MasterKey, { organization, channels }: CheckedExport): Promise<void> {
  const all = [...channels.values()].map(({ created_at, created_by, type: _, ...channel }) => ({
    ...channel,
    createdAt: parseInstant(created_at),
    createdBy: created_by,
  }))
  const taken = await restoreChannels(tx, masterKey, organization.id, all)
  if (taken !== null) throw new LineRefused(0, `channel ${taken} is here already`)
}

// Each part is a few statements of some hundred kilobytes; between two of them this process gives verdicts.
const linesPerPart = 500

/** Lines of one type, which are placed a part at a time. */
class Part<T extends 'key' | 'tracked_credential' | 'audit_event'> {
  readonly #place: (lines: readonly Numbered<LineOf<T>>[]) => Promise<void>
  #waiting: Numbered<LineOf<T>>[] = []
  taken = 0

  constructor(place: (lines: readonly Numbered<LineOf<T>>[]) => Promise<void>) {
    this.#place = place
  }

  async take(number: number, line: LineOf<T>): Promise<void> {
    this.#waiting.push({ number, line })
    this.taken += 1
    if (this.#waiting.length >= linesPerPart) await this.flush()
  }

  async flush(): Promise<void> {
    const lines = this.#waiting
    this.#waiting = []
    await this.#place(lines)
  }
}

/** What there may be any number of, in the order of the file. */
async function placeLines(tx: Tx, checked: CheckedExport, sent: SentExport) {
  const keys = new Part<'key'>((lines) => placeKeys(tx, checked, lines))
  const credentials = new Part<'tracked_credential'>((lines) => placeCredentials(tx, checked, lines))
  const events = new Part<'audit_event'>((lines) => restoreEvents(tx, checked.organization.id, lines.map(toStored)))
  for await (const { number, octets } of sent()) {
    const line = readLine(number, octets)
    if (line.type === 'audit_event') await events.take(number, line)
    else if (line.type === 'key' && checked.isLast(number, line)) await keys.take(number, line)
    else if (line.type === 'tracked_credential' && checked.isLast(number, line)) await credentials.take(number, line)
  }
  for (const part of [keys, credentials, events]) await part.flush()
  return { keys: keys.taken, tracked_credentials: credentials.taken }
}

const toStored = ({ line: { sequence, hash, body } }: Numbered<LineOf<'audit_event'>>) => ({
  sequence,
  hash: Buffer.from(hash, 'hex'),
  body,
})

/** The next event of the chain that was brought along. */
async function recordImport(tx: Tx, call: Call, { organization }: CheckedExport, after: object): Promise<void> {
  await recordChange(tx, call, await call.now(tx), {
    action: 'organization.imported',
    organizationId: organization.id,
    projectId: null,
    target: { type: 'organization', id: organization.id, name: organization.name },
    before: null,
    after: { ...after },
    affects: { kind: 'organization', id: organization.id },
  })
}
