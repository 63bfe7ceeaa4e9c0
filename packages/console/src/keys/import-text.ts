import type { ImportAnswer, ImportRefusal } from '@keyturn/contract'
import type { CallProblem, Result } from '@keyturn/sdk'
import { api } from '../api/api.ts'

type Form =
  | { readonly format: 'csv' }
  | { readonly format: 'json'; readonly keys: readonly unknown[]; readonly project: string | undefined }
  | { readonly fault: string }

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What was pasted: JSON begins with a bracket, a line that names columns does not. Rows are looked at by the API alone. */
export function formOf(text: string): Form {
  // With what a spreadsheet or an editor puts before it, as a byte order mark.
  const written = text.trim()
  const begin = written.slice(0, 1)
  if (begin !== '[' && begin !== '{') return { format: 'csv' }
  let read: unknown
  try {
    read = JSON.parse(written)
  } catch (error) {
    return { fault: `This is no JSON: ${error instanceof Error ? error.message : 'it cannot be read'}` }
  }
  if (Array.isArray(read)) return { format: 'json', keys: read, project: undefined }
  if (!isRecord(read) || !Array.isArray(read['keys']))
    return { fault: 'Write a list of keys, or {"keys": […]}, with a name and a value or digest for each.' }
  const { project } = read
  return { format: 'json', keys: read['keys'], project: typeof project === 'string' ? project : undefined }
}

/** @param project of the rows that name none, unless the text itself says which */
export async function sendImport(org: string, project: string, text: string): Promise<Result<ImportAnswer>> {
  const form = formOf(text)
  return 'keys' in form
    ? api.call('POST /v1/organizations/{org}/import', {
        path: { org },
        body: { project: form.project ?? project, keys: [...form.keys] },
      })
    : api.call('POST /v1/organizations/{org}/import.csv', { path: { org }, query: { project }, body: text })
}

/** Of `import_refused`: every row that is wrong. */
export function readRefusals(problem: CallProblem | null): ImportRefusal[] {
  const rows = problem?.code === 'import_refused' ? problem.facts['rows'] : []
  return Array.isArray(rows) ? rows.filter(isRefusal) : []
}

const isRefusal = (row: unknown): row is ImportRefusal =>
  isRecord(row) && typeof row['line'] === 'number' && typeof row['detail'] === 'string'
