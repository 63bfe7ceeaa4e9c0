import type { ColumnType, JSONColumnType } from 'kysely'

/** jsonb is written as text and read as a value. */
export type Json<T extends object | null> = JSONColumnType<T, string, string>

/** The same, where there may be none. */
export type JsonOrNull<T extends object> = ColumnType<T | null, string | null, string | null>
