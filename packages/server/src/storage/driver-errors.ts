import { DomainError } from '../kernel/errors.ts'

const field = (error: unknown, name: string): string | undefined => {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}

/** SQLSTATE of an error of either engine. */
export const sqlState = (error: unknown): string | undefined => field(error, 'code')

/** Did this very constraint refuse the row? Both engines report its name. */
export function violates(error: unknown, constraint: string): boolean {
  return sqlState(error) === '23505' && field(error, 'constraint') === constraint
}

// Class 08: connection; 53: resources (too many connections, disk full); 57P: shut down or starting; 55P03: lock not had in
// time; 25P03: idle in transaction for too long; 40001, 40P01: lost against another transaction; 57014: took too long.
const unavailable = /^(08...|53...|57P0.|55P03|25P03|25006|40001|40P01|57014)$/
const connectionErrors = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH)/
// What pg throws without a code when a connection is lost or cannot be had.
const pgMessages =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|query read timeout|connection ended|not queryable/i

/** Turns "the database cannot be asked right now" into the code for it. Every other error is returned as it is. */
export function translateDriverError(error: unknown): unknown {
  if (error instanceof DomainError) return error
  const code = sqlState(error) ?? ''
  const message = error instanceof Error ? error.message : ''
  if (unavailable.test(code) || connectionErrors.test(code) || pgMessages.test(message)) {
    return new DomainError('database_unavailable', {}, { cause: error })
  }
  return error
}
