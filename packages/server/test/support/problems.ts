import { errorCodes, problemSchema } from '@keyturn/contract'
import type { Answer } from './keyturn.ts'

export interface Expected {
  readonly status?: number
  readonly code?: string
  /** The field or parameter that is named. */
  readonly path?: string
}

/**
 * What is wrong with an answer that should be a refusal: a problem (RFC 9457) of the caller's making, with all its members, a
 * code of the closed list and a sentence that is whole.
 *
 * @returns null where nothing is
 */
export function faultOf(answer: Answer, expected: Expected = {}): string | null {
  const { status, headers, text, body } = answer
  const faults: string[] = []
  const check = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault)
  }
  check(status >= 400 && status < 500, `status ${status}`)
  check(headers.get('content-type') === 'application/problem+json', `type ${headers.get('content-type')}`)
  const parsed = problemSchema.safeParse(body)
  if (!parsed.success) return [...faults, `no problem: ${text.slice(0, 200)}`].join('; ')
  const problem = parsed.data
  check(errorCodes.includes(problem.code), `code ${problem.code}`)
  check(problem.type === `/docs/errors#${problem.code}`, `type ${problem.type}`)
  check(problem.status === status, `status ${problem.status} in the body, ${status} outside`)
  check(problem.request_id === headers.get('x-request-id'), 'another request id in the header')
  check(problem.title !== '' && problem.detail !== '', 'no title or detail')
  check(!/undefined|\[object|NaN/.test(problem.detail), `a sentence with a hole: ${problem.detail}`)
  check(!/node:|\.ts:|\bat [\w.]+ \(|select |insert /.test(text), `insides: ${text.slice(0, 200)}`)
  if (expected.status !== undefined) check(status === expected.status, `status ${status}, not ${expected.status}`)
  if (expected.code !== undefined) check(problem.code === expected.code, `code ${problem.code}, not ${expected.code}`)
  if (expected.path !== undefined) {
    const paths = problem.errors?.map((error) => error.path) ?? []
    check(paths.includes(expected.path), `names [${paths.join(', ')}], not ${expected.path}`)
    check(problem.detail.includes(expected.path), `the detail does not name ${expected.path}`)
  }
  return faults.length === 0 ? null : faults.join('; ')
}
