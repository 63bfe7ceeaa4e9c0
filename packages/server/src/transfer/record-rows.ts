import { instantText } from '../storage/driver-values.ts'
import { type ColumnMap, type Exported, exportedOf } from './columns.ts'

/** A row as a line says it: what both engines give, in JSON. */
export function toFields(columns: ColumnMap, row: object): Record<string, unknown> {
  return Object.fromEntries(
    exportedOf(columns).map(([name, column]) => [name, toField(column, Reflect.get(row, name))]),
  )
}

function toField({ as }: Exported, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (as === 'timestamptz' && typeof value === 'number') return instantText(value)
  if (as === 'bytea' && value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return value
}
