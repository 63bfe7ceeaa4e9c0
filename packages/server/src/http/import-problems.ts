import type { ErrorCode } from '@keyturn/contract'
import { type ProblemKind, text } from './problem-kind.ts'

/** The first few of them, for whoever reads the sentence alone. */
function refusedRows(rows: readonly { line: number; field: string | null; detail: string }[]): string {
  const sentences = rows
    .slice(0, 3)
    .map(({ line, field, detail }) => `line ${line}: ${field ? `${field}: ` : ''}${detail}`)
  const said = sentences.map((sentence) => sentence.replace(/\.$/, ''))
  const more = rows.length > said.length ? `; and ${rows.length - said.length} more, in \`rows\`` : ''
  return `Nothing was imported. ${said.join('; ')}${more}. Mend them and send all of it again.`
}

/** Of imports. A part of `error-map.ts`. */
export const importProblems = {
  import_refused: {
    status: 422,
    title: 'Something of it cannot be imported, so nothing was',
    detail: ({ rows }) => (Array.isArray(rows) ? refusedRows(rows) : 'Look at `rows`.'),
  },
  organization_exists: {
    status: 409,
    title: 'The organization is here already',
    detail: ({ organization }) => `${text(organization)} was imported before, or was made here. Nothing was imported.`,
  },
} as const satisfies Partial<Record<ErrorCode, ProblemKind>>
