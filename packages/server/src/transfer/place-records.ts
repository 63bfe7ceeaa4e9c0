import { putDigests } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { nameKeyOf } from '../keys/name-advice.ts'
import { searchLexemes } from '../keys/search-words.ts'
import type { Tx } from '../storage/database.ts'
import type { CheckedExport } from './check-export.ts'
import {
  credentialColumns,
  keyActivityColumns,
  keyColumns,
  organizationColumns,
  projectColumns,
  secretActivityColumns,
  secretColumns,
  valueColumns,
} from './columns.ts'
import { insertOrganization, insertRows, type Target, targetOf } from './import-store.ts'
import { type LineOf, LineRefused } from './lines.ts'

/** A line with its number. */
export interface Numbered<L> {
  readonly number: number
  readonly line: L
}

const organizations = targetOf('organizations', organizationColumns)
const projects = targetOf('projects', projectColumns, { organization_id: 'text' })
const place = { organization_id: 'text', management: 'boolean' } as const
const keys = targetOf('keys', keyColumns, { ...place, name_key: 'text', search: 'tsvector' })
const activityPlace = { ...place, key_id: 'text', project_id: 'text', state: 'text' } as const
const keyActivity = targetOf('key_activity', keyActivityColumns, activityPlace, 'key_id')
const secrets = targetOf('secrets', secretColumns, { organization_id: 'text', key_id: 'text' })
const secretActivity = targetOf('secret_activity', secretActivityColumns, { secret_id: 'text' }, 'secret_id')
const credentials = targetOf('tracked_credentials', credentialColumns, { organization_id: 'text' })
const valuePlace = { organization_id: 'text', credential_id: 'text' } as const
const values = targetOf('tracked_values', valueColumns, valuePlace, 'credential_id')

/** @throws DomainError organization_exists, slug_taken, external_id_taken */
export async function placeOrganization(tx: Tx, { organization }: CheckedExport, slug: string): Promise<void> {
  const inTheWay = await insertOrganization(tx, organizations, { ...organization, slug })
  if (inTheWay === 'id') throw new DomainError('organization_exists', { organization: organization.id })
  if (inTheWay === 'slug') throw new DomainError('slug_taken', { slug })
  if (inTheWay === 'external_id') throw new DomainError('external_id_taken', { external_id: organization.external_id })
}

/** @throws LineRefused where one is here already */
export async function placeProjects(tx: Tx, { organization, projects: all, lineOf }: CheckedExport): Promise<void> {
  const rows = [...all.values()].map((line) => ({ ...line, organization_id: organization.id }))
  await insertAll(
    tx,
    projects,
    rows.map((row) => ({ number: lineOf.projects.get(row.id) ?? 0, row })),
  )
}

/** With their secrets, and what is known of their use. Every node learns of their digests. @throws LineRefused where one is here already */
export async function placeKeys(
  tx: Tx,
  { organization, projects: all }: CheckedExport,
  lines: readonly Numbered<LineOf<'key'>>[],
): Promise<void> {
  const rows = lines.map(({ number, line }) => ({
    number,
    row: {
      ...line,
      organization_id: organization.id,
      management: all.get(line.project_id)?.management ?? false,
      key_id: line.id,
      name_key: nameKeyOf(line.name),
      search: searchLexemes(organization.id, { ...line, hints: line.secrets.map(({ hint }) => hint) }).join('\n'),
    },
  }))
  const secretRows = rows.flatMap(({ number, row }) =>
    row.secrets.map((secret) => ({
      number,
      row: { ...secret, organization_id: organization.id, key_id: row.id, secret_id: secret.id },
    })),
  )
  await insertAll(tx, keys, rows)
  await insertAll(tx, keyActivity, rows)
  await insertAll(tx, secrets, secretRows)
  await insertAll(tx, secretActivity, secretRows)
  const digests = secretRows.map(({ row }) => Buffer.from(row.digest, 'hex'))
  await putDigests(tx, organization.id, digests)
}

/** With all their values. @throws LineRefused where one is here already */
export async function placeCredentials(
  tx: Tx,
  { organization }: CheckedExport,
  lines: readonly Numbered<LineOf<'tracked_credential'>>[],
): Promise<void> {
  const rows = lines.map(({ number, line }) => ({ number, row: { ...line, organization_id: organization.id } }))
  await insertAll(tx, credentials, rows)
  const valueRows = rows.flatMap(({ number, row }) =>
    row.values.map((value) => ({
      number,
      row: { ...value, organization_id: organization.id, credential_id: row.id },
    })),
  )
  await insertAll(tx, values, valueRows)
}

/** @throws LineRefused with the first row that something stands in the way of */
async function insertAll(tx: Tx, target: Target, rows: readonly { number: number; row: object }[]): Promise<void> {
  const made = await insertRows(
    tx,
    target,
    rows.map(({ row }) => row),
  )
  const id = (row: object) => String(Reflect.get(row, target.id))
  const missing = rows.find(({ row }) => !made.has(id(row)))
  if (missing)
    throw new LineRefused(missing.number, `${id(missing.row)}: ${taken[target.table] ?? 'is known here already'}`)
}

const taken: Partial<Record<Target['table'], string>> = {
  secrets: 'it, or its value, is known here already: a value belongs to one key, for ever',
}
