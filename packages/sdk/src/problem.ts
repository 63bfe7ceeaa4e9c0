import { type ErrorCode, errorCodes, type HelpfulOperation } from '@keyturn/contract'

/** Why there is no answer of the API at all. */
export const clientCodes = ['unreachable', 'aborted', 'not_keyturn'] as const
export type ClientCode = (typeof clientCodes)[number]

/** What went wrong, as a value: a code from a closed list, and words for whoever reads them. */
export interface CallProblem {
  readonly code: ErrorCode | ClientCode
  /** Of the answer; null: there was none. */
  readonly status: number | null
  readonly title: string
  /** What happened and what to do about it. */
  readonly detail: string
  readonly request_id: string | null
  /** With `invalid_request`: every field that was refused, and why. */
  readonly errors: readonly { readonly path: string; readonly detail: string }[]
  /** Where a key stands in the way: what would help. */
  readonly operations: readonly HelpfulOperation[]
  /** Seconds to wait before another try; null: it was not said. */
  readonly retryAfterSeconds: number | null
  /** All further members of the problem, as they came. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** An answer, or why there is none. Nothing is thrown. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly status: number }
  | { readonly ok: false; readonly problem: CallProblem }

const words = {
  unreachable: {
    title: 'Keyturn cannot be reached',
    detail: 'Check the connection, and that the server runs; then try again.',
  },
  aborted: { title: 'The call was given up', detail: 'Nobody waits for its answer any more.' },
  not_keyturn: {
    title: 'The answer is not one of Keyturn',
    detail: 'Something in between answered, as a proxy or a sign-in of a network. Try again, or ask who runs it.',
  },
} as const satisfies Record<ClientCode, { title: string; detail: string }>

const none = { request_id: null, errors: [], operations: [], retryAfterSeconds: null, facts: {} }

export const problemOfClient = (code: ClientCode, status: number | null = null): CallProblem => ({
  ...none,
  ...words[code],
  code,
  status,
})

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const textIn = (value: unknown) => (typeof value === 'string' ? value : '')
const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const isCode = (value: unknown): value is ErrorCode => errorCodes.some((code) => code === value)

/** @param body of an answer that is no success, parsed; anything. A problem (RFC 9457) of Keyturn's has a code that is known. */
export function problemOf(status: number, body: unknown, retryAfter: string | null): CallProblem {
  if (!isRecord(body) || !isCode(body['code'])) return problemOfClient('not_keyturn', status)
  const seconds = Number.parseInt(retryAfter ?? '', 10)
  return {
    code: body['code'],
    status,
    title: textIn(body['title']),
    detail: textIn(body['detail']),
    request_id: textIn(body['request_id']) || null,
    errors: listIn(body['errors']).flatMap((one) =>
      isRecord(one) ? [{ path: textIn(one['path']), detail: textIn(one['detail']) }] : [],
    ),
    operations: listIn(body['operations']).filter(isOperation),
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : null,
    facts: body,
  }
}

const isOperation = (value: unknown): value is HelpfulOperation => typeof value === 'string'
