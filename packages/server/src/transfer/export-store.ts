import { type RawBuilder, sql } from 'kysely'
import type { Reader } from '../storage/database.ts'
import {
  type ColumnMap,
  channelColumns,
  credentialColumns,
  exportedOf,
  keyActivityColumns,
  keyColumns,
  organizationColumns,
  projectColumns,
  secretActivityColumns,
  secretColumns,
  valueColumns,
} from './columns.ts'
import type { RecordKind, RecordLine } from './lines.ts'
import { toFields } from './record-rows.ts'

/** A page in the order of ids, or those of some ids. */
export type Selection = { readonly after: string; readonly limit: number } | { readonly ids: readonly string[] }

/** Records of one kind, by id. */
export async function readRecords(
  reader: Reader,
  organizationId: string,
  kind: RecordKind,
  selection: Selection,
): Promise<RecordLine[]> {
  const read = await readers[kind](reader, organizationId, selection)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the columns of the table are those of the line (columns.ts); reading an export checks it
  return read.map((fields) => ({ type: kind, ...fields })) as RecordLine[]
}

type Fields = Record<string, unknown>
type ReadRecords = (reader: Reader, organizationId: string, selection: Selection) => Promise<Fields[]>

const readers: Readonly<Record<RecordKind, ReadRecords>> = {
  organization: async (reader, organizationId, selection) => {
    const rows = await select(reader, 'organizations', organizationColumns, sql`id = ${organizationId}`, selection)
    return rows.map((row) => toFields(organizationColumns, row))
  },
  project: async (reader, organizationId, selection) => {
    const rows = await select(reader, 'projects', projectColumns, of(organizationId), selection)
    return rows.map((row) => toFields(projectColumns, row))
  },
  key: readKeys,
  tracked_credential: readCredentials,
  channel: async (reader, organizationId, selection) => {
    const rows = await select(reader, 'channels', channelColumns, of(organizationId), selection)
    return rows.map((row) => toFields(channelColumns, row))
  },
  member: readMembers,
}

const of = (organizationId: string) => sql`organization_id = ${organizationId}`

async function select(
  reader: Reader,
  table: 'organizations' | 'projects' | 'keys' | 'tracked_credentials' | 'channels',
  columns: ColumnMap,
  within: RawBuilder<unknown>,
  selection: Selection,
): Promise<(Fields & { id: string })[]> {
  const { rows } = await sql<Fields & { id: string }>`
    select ${named(columns)} from ${sql.table(table)} where ${within} and ${chosen('id', selection)}`.execute(reader)
  return rows
}

const named = (columns: ColumnMap, of?: string) =>
  sql.join(exportedOf(columns).map(([name]) => sql.ref(of === undefined ? name : `${of}.${name}`)))

const chosen = (id: string, selection: Selection) =>
  'ids' in selection
    ? sql`${sql.ref(id)} = any(${[...selection.ids]}::text[]) order by ${sql.ref(id)}`
    : sql`${sql.ref(id)} > ${selection.after} order by ${sql.ref(id)} limit ${selection.limit}`

async function readKeys(reader: Reader, organizationId: string, selection: Selection): Promise<Fields[]> {
  const keys = await select(reader, 'keys', keyColumns, of(organizationId), selection)
  const ids = keys.map(({ id }) => id)
  const { rows: activity } = await sql<Fields>`
    select key_id, ${named(keyActivityColumns)} from key_activity where key_id = any(${ids}::text[])`.execute(reader)
  const { rows: secrets } = await sql<Fields>`
    select s.key_id, ${named(secretColumns, 's')}, ${named(secretActivityColumns, 'a')}
    from secrets s join secret_activity a on a.secret_id = s.id
    where s.key_id = any(${ids}::text[]) order by s.id`.execute(reader)
  const activityOf = new Map(activity.map((row) => [row['key_id'], row]))
  const secretsOf = Map.groupBy(secrets, (secret) => secret['key_id'])
  return keys.map((key) => ({
    ...toFields(keyColumns, key),
    ...toFields(keyActivityColumns, activityOf.get(key.id) ?? {}),
    secrets: (secretsOf.get(key.id) ?? []).map((secret) => ({
      ...toFields(secretColumns, secret),
      ...toFields(secretActivityColumns, secret),
    })),
  }))
}

async function readCredentials(reader: Reader, organizationId: string, selection: Selection): Promise<Fields[]> {
  const credentials = await select(reader, 'tracked_credentials', credentialColumns, of(organizationId), selection)
  const { rows: values } = await sql<Fields>`
    select credential_id, ${named(valueColumns)} from tracked_values
    where credential_id = any(${credentials.map(({ id }) => id)}::text[]) order by credential_id, number`.execute(
    reader,
  )
  const valuesOf = Map.groupBy(values, (value) => value['credential_id'])
  return credentials.map((credential) => ({
    ...toFields(credentialColumns, credential),
    values: (valuesOf.get(credential.id) ?? []).map((value) => toFields(valueColumns, value)),
  }))
}

async function readMembers(reader: Reader, organizationId: string, selection: Selection): Promise<Fields[]> {
  const { rows } = await sql<Fields>`
    select p.id, p.email, p.name, m.role, coalesce((
      select json_agg(json_build_object('project_id', mp.project_id, 'role', mp.role) order by mp.project_id)
      from member_projects mp where mp.organization_id = m.organization_id and mp.person_id = m.person_id
    ), '[]') as projects
    from members m join people p on p.id = m.person_id
    where m.organization_id = ${organizationId} and ${chosen('m.person_id', selection)}`.execute(reader)
  return rows
}
