import type { Expiration } from '@keyturn/contract'
import { harmless, toCsv } from './csv.ts'

const columns = [
  'at',
  'type',
  'status',
  'name',
  'owner',
  'contact',
  'in_use',
  'last_used_at',
  'kind',
  'environment',
  'project_id',
  'key_id',
  'secret_id',
  'slot',
  'hint',
  'tracked_credential_id',
  'issuer',
  'management',
  'legacy',
  'disabled',
  'id',
] as const satisfies (keyof Expiration)[]

export const expirationCsvHeader = (): string => toCsv([[...columns]])

/** What nobody can know, and a time that never comes, are empty cells. */
export const toExpirationCsvRows = (expirations: readonly Expiration[]): string =>
  toCsv(expirations.map((one) => columns.map((column) => harmless(String(one[column] ?? '')))))
