import { createHash } from 'node:crypto'
import { genesisHash, linkOf } from '../../src/audit/chain.ts'

/** A line before the trail is sealed and the end is written. */
export type LooseLine = Record<string, any> & { readonly type: string }

export const readLines = (text: string): LooseLine[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

export const writeLines = (lines: readonly object[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** The lines with an end that fits them: what somebody would write who knows how. */
export function withEnd(lines: readonly LooseLine[]): string {
  const before = lines.filter(({ type }) => type !== 'end')
  const text = writeLines(before)
  const last = before.findLast(({ type }) => type === 'audit_event')
  const audit = { sequence: last?.['sequence'] ?? 1, hash: last?.['hash'] ?? '0'.repeat(64) }
  const sha256 = createHash('sha256').update(text).digest('hex')
  return `${text}${writeLines([{ type: 'end', lines: before.length, sha256, audit }])}`
}

/** The same, with a trail that is linked anew. */
export function sealed(lines: readonly LooseLine[]): string {
  let [hash, sequence] = [genesisHash, 0]
  const linked = lines.map((line) => {
    if (line.type !== 'audit_event') return line
    hash = linkOf(hash, ++sequence, line['body'])
    return { ...line, sequence, hash: Buffer.from(hash).toString('hex') }
  })
  return withEnd(linked)
}

const at = '2026-01-05T08:00:00.000Z'

/** Of an organization in which nothing has happened yet; the same for the same id. */
export function smallExport(id: string): string {
  const unique = id.slice(4)
  const none = { renewal_requested_at: null, renewal_by: null, renewal_reason: null }
  const rules = { api_access: true, policy: {}, policy_revision: 0 }
  const body = {
    at,
    action: 'organization.created',
    actor: { type: 'root_key', id: null, name: 'Root key' },
    organization_id: id,
    project_id: null,
    target: { type: 'organization', id, name: 'From elsewhere' },
    before: null,
    after: { name: 'From elsewhere' },
    address: null,
    request_id: null,
  }
  return sealed([
    { type: 'export', format: 1, version: '0.1.0', organization_id: id, exported_at: at },
    {
      type: 'organization',
      id,
      slug: `from-${unique}`,
      name: 'From elsewhere',
      external_id: null,
      notification_email: null,
      ...rules,
      time_zone: 'UTC',
      created_at: at,
    },
    {
      type: 'project',
      id: `prj_${unique}`,
      slug: '_management',
      name: 'Management keys',
      external_id: null,
      management: true,
      ...rules,
      created_at: at,
      ...none,
    },
    { type: 'audit_event', sequence: 1, hash: '', body: JSON.stringify(body) },
  ])
}
