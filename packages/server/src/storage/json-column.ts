import type { JSONColumnType } from 'kysely'

/** jsonb is written as text and read as a value. */
export type Json<T extends object | null> = JSONColumnType<T, string, string>
