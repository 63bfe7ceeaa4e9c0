import { mostImported } from '@keyturn/contract'
import { CsvError, parse } from 'csv-parse/sync'
import { DomainError } from '../kernel/errors.ts'

/** A row as it was written, before any schema sees it. */
export interface WrittenRow {
  readonly line: number
  readonly row: unknown
}

const columns = [
  'value',
  'digest',
  'hint',
  'project',
  'name',
  'kind',
  'environment',
  'purpose',
  'owner',
  'contact',
  'scopes',
  'allowed_ips',
  'metadata',
  'rate_limit',
  'quota',
  'disabled',
  'expires_at',
  'expires_in',
  'never_expires',
] as const
type Column = (typeof columns)[number]

interface CsvRecord {
  readonly record: Partial<Record<Column, string>>
  readonly raw: string
  readonly info: { readonly lines: number }
}

/**
 * RFC 4180, UTF-8, the first line names the columns. An empty cell is a field that was left out.
 *
 * @throws DomainError invalid_request where it is no CSV, or a column is unknown
 */
export function readImportCsv(octets: Uint8Array): WrittenRow[] {
  const refuse = (path: string, detail: string): never => {
    throw new DomainError('invalid_request', { errors: [{ path, detail }] })
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    return refuse('', 'The CSV is not UTF-8.')
  }
  try {
    const rows: WrittenRow[] = []
    parse(text, {
      columns: (names: string[]) => {
        const known = names.map((name) => columns.find((column) => column === name.trim()))
        for (const [place, name] of known.entries()) {
          if (name === undefined) refuse(names[place] ?? '', `is no column; there are ${columns.join(', ')}`)
          if (known.indexOf(name) !== place) refuse(names[place] ?? '', 'is there twice')
        }
        return known.map((name) => name ?? '')
      },
      info: true,
      raw: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      skip_empty_lines: true,
      to: mostImported + 1,
      on_record: ({ record, raw, info }: CsvRecord) => {
        // The line where it begins: a cell may have several.
        const line = info.lines - (raw.trim().match(/\r\n|[\r\n]/g)?.length ?? 0)
        rows.push({ line, row: toRow(record) })
        return null
      },
    })
    if (rows.length === 0) refuse('', 'The CSV has no row but its first, which names the columns.')
    if (rows.length > mostImported) refuse('', `has more than ${mostImported} rows; send the others in further calls`)
    return rows
  } catch (error) {
    if (error instanceof CsvError) return refuse('', `The CSV cannot be read: ${error.message}`)
    throw error
  }
}

/** What is no text in JSON. What cannot be read as such is left for the schema to refuse. */
const readings: Partial<Record<Column, (cell: string) => unknown>> = {
  scopes: splitWords,
  allowed_ips: splitWords,
  metadata: readJson,
  rate_limit: readJson,
  quota: readJson,
  disabled: readBoolean,
  never_expires: readBoolean,
  expires_in: (cell) => (/^\d+$/.test(cell) ? Number(cell) : cell),
}

function toRow(record: Partial<Record<Column, string>>): Partial<Record<Column, unknown>> {
  const row: Partial<Record<Column, unknown>> = {}
  for (const column of columns) {
    const cell = record[column]
    if (cell === undefined || cell === '') continue
    const read = readings[column]
    row[column] = read ? read(cell) : cell
  }
  return row
}

function splitWords(cell: string): string[] {
  return cell.split(' ').filter((word) => word !== '')
}

function readBoolean(cell: string): unknown {
  return { true: true, false: false }[cell.toLowerCase()] ?? cell
}

function readJson(cell: string): unknown {
  try {
    return JSON.parse(cell)
  } catch {
    return cell
  }
}
