import { sql } from 'kysely'
import type { Tx } from '../storage/database.ts'
import type { Schema } from '../storage/schema.ts'
import { type ColumnMap, type Exported, exportedOf } from './columns.ts'

/** As a column is handed over; `tsvector` as lexemes, one to a line. */
type As = Exported['as'] | 'tsvector'

export interface Target {
  readonly table: keyof Schema
  /** The columns of its rows, the exported ones and those that are made again. */
  readonly columns: Readonly<Record<string, As>>
  /** The column by which a row is known. */
  readonly id: string
}

export function targetOf(
  table: keyof Schema,
  columns: ColumnMap,
  derived: Readonly<Record<string, As>> = {},
  id = 'id',
): Target {
  return {
    table,
    columns: { ...Object.fromEntries(exportedOf(columns).map(([name, { as }]) => [name, as])), ...derived },
    id,
  }
}

/** What is handed over as another type than the column has. */
const carried: Partial<Record<As, string>> = { bytea: 'text', tsvector: 'text' }

function unpacked(name: string, as: As) {
  const column = sql.ref(name)
  if (as === 'bytea') return sql`decode(${column}, 'hex')`
  // No lexeme has a control character in it.
  if (as === 'tsvector') return sql`array_to_tsvector(string_to_array(${column}, ${'\n'}))`
  return column
}

/**
 * Rows of one table in one statement; other members of them are passed over. One that stands in the way of what is there already, by whatever
 * it must be alone with, is left out.
 *
 * @returns ids of those that were made
 */
export async function insertRows(tx: Tx, target: Target, rows: readonly object[]): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set()
  const columns = Object.entries(target.columns)
  const names = sql.join(columns.map(([name]) => sql.ref(name)))
  const values = sql.join(columns.map(([name, as]) => unpacked(name, as)))
  const types = sql.join(columns.map(([name, as]) => sql`${sql.ref(name)} ${sql.raw(carried[as] ?? as)}`))
  const sent = JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(([name]) => [name, Reflect.get(row, name)]))),
  )
  const made = await sql<{ id: string }>`
    insert into ${sql.table(target.table)} (${names})
    select ${values} from json_to_recordset(${sent}::json) as r (${types})
    on conflict do nothing returning ${sql.ref(target.id)} as id`.execute(tx)
  return new Set(made.rows.map(({ id }) => id))
}

/**
 * An organization, where nothing stands in its way. Of two imports at once the second waits here for the first.
 *
 * @returns what it shares with one that is here; null: it was made
 */
export async function insertOrganization(
  tx: Tx,
  target: Target,
  row: { readonly id: string; readonly slug: string },
): Promise<'id' | 'slug' | 'external_id' | null> {
  if ((await insertRows(tx, target, [row])).has(row.id)) return null
  const { rows } = await sql<{ id: string; slug: string }>`
    select id, slug from organizations where id = ${row.id} or slug = ${row.slug}`.execute(tx)
  if (rows.some(({ id }) => id === row.id)) return 'id'
  return rows.length > 0 ? 'slug' : 'external_id'
}
