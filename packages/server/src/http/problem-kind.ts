import type { ErrorFacts } from '../kernel/errors.ts'

export interface ProblemKind {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 503
  readonly title: string
  /** What happened and what to do about it. */
  readonly detail: (facts: ErrorFacts) => string
}

export const text = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value))

export const either = (values: unknown): string =>
  Array.isArray(values) && values.length > 1 ? `${values.slice(0, -1).join(', ')} or ${values.at(-1)}` : text(values)
