import { createHash } from 'node:crypto'
import { readEventsWithin, readHead } from '../audit/carry-chain.ts'
import { recordChange } from '../audit/record-change.ts'
import { formatTime } from '../kernel/instant.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Reader } from '../storage/database.ts'
import { readRecords } from './export-store.ts'
import { exportFormat, type Line, type LineOf, type RecordKind, recordKinds, writeLine } from './lines.ts'
import { targetsOf } from './targets.ts'

// A page of keys has all their secrets with it, ended ones too.
const recordsPerPage = 200
const eventsPerPage = 500
// So few that reading them with their records at one moment takes some milliseconds.
const fewEnough = 200
// Whoever writes without a pause outruns no more than this: then the last step takes what there is.
const mostRounds = 100

/**
 * All of an organization but its secrets, as lines of JSON, page by page. It is on record before its first line.
 *
 * What comes out is the organization at one moment, the head H of its trail in the `end` line, though no transaction is open while a reader takes
 * its time. Every change has an event, in its own transaction, and events become visible in their order. So where a record was read after the
 * head N was noted, its line has all that events up to N did to it; what came later has an event past N. Those events are read in turn,
 * and the records that they are about again: the last line of an id counts. Once few are left they are read in one snapshot, with
 * the head, and nothing is past that.
 *
 * Last uses are not events, and are as they were when their line was read; of records that are about to be read again, that is the last line.
 *
 * @throws DomainError insufficient_scope, whole_organization_required
 */
export async function exportOrganization(
  call: Call,
  { id, name }: Organization,
  version: string,
): Promise<AsyncIterable<string>> {
  requireScope(call.caller, 'management:write')
  requireWholeOrganization(call.caller)
  const exportedAt = await call.change(async (tx) => {
    const now = await call.now(tx)
    await recordChange(tx, call, now, {
      action: 'organization.exported',
      organizationId: id,
      projectId: null,
      target: { type: 'organization', id, name },
      before: null,
      after: { format: exportFormat },
      affects: null,
    })
    return now
  })
  const head = {
    type: 'export',
    format: exportFormat,
    version,
    organization_id: id,
    exported_at: formatTime(exportedAt),
  } as const
  return writePages(readPages(call, id, head))
}

/** Adds the last line, which says what came before it. */
async function* writePages(pages: AsyncGenerator<readonly Line[], LineOf<'end'>['audit']>): AsyncGenerator<string> {
  const sum = createHash('sha256')
  let lines = 0
  for (;;) {
    const page = await pages.next()
    if (page.done) {
      yield writeLine({ type: 'end', lines, sha256: sum.digest('hex'), audit: page.value })
      return
    }
    const text = page.value.map(writeLine).join('')
    sum.update(text)
    lines += page.value.length
    if (text !== '') yield text
  }
}

/** @returns where the trail stands at the end */
async function* readPages(
  call: Call,
  organizationId: string,
  head: LineOf<'export'>,
): AsyncGenerator<readonly Line[], LineOf<'end'>['audit']> {
  const { reader } = call
  yield [head]
  let reached = (await readHead(reader, organizationId)).sequence
  for (const kind of recordKinds) yield* readAll(reader, organizationId, kind)
  yield* readEvents(reader, organizationId, 0, reached)
  for (let round = 0; round < mostRounds; round++) {
    const next = (await readHead(reader, organizationId)).sequence
    if (next - reached <= fewEnough) break
    for await (const events of readEvents(reader, organizationId, reached, next))
      yield [...events, ...(await readAgain(reader, organizationId, events))]
    reached = next
  }
  const last = await call.snapshot(async (tx) => {
    const { sequence, hash } = await readHead(tx, organizationId)
    const lines: Line[] = []
    for await (const events of readEvents(tx, organizationId, reached, sequence)) lines.push(...events)
    lines.push(...(await readAgain(tx, organizationId, lines)))
    return { lines, audit: { sequence, hash: hex(hash) } }
  })
  yield last.lines
  return last.audit
}

async function* readAll(reader: Reader, organizationId: string, kind: RecordKind): AsyncGenerator<readonly Line[]> {
  for (let after = ''; ; ) {
    const page = await readRecords(reader, organizationId, kind, { after, limit: recordsPerPage })
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (!last || page.length < recordsPerPage) return
    after = last.id
  }
}

async function* readEvents(
  reader: Reader,
  organizationId: string,
  afterSequence: number,
  throughSequence: number,
): AsyncGenerator<LineOf<'audit_event'>[]> {
  for (let after = afterSequence; after < throughSequence; ) {
    const range = { afterSequence: after, throughSequence }
    const events = await readEventsWithin(reader, organizationId, range, eventsPerPage)
    const last = events.at(-1)
    if (!last) return
    yield events.map(({ sequence, hash, body }) => ({ type: 'audit_event', sequence, hash: hex(hash), body }))
    after = last.sequence
  }
}

/** The records that these events are about, as they are now; of those that are gone, that they are. */
async function readAgain(reader: Reader, organizationId: string, events: readonly Line[]): Promise<Line[]> {
  const lines: Line[] = []
  for (const [kind, ids] of targetsOf(events)) {
    const found = await readRecords(reader, organizationId, kind, { ids: [...ids] })
    lines.push(...found)
    if (kind !== 'channel' && kind !== 'member') continue
    const there = new Set(found.map(({ id }) => id))
    for (const id of ids) if (!there.has(id)) lines.push({ type: 'removed', of: kind, id })
  }
  return lines
}

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
