import { type CallProblem, type Client, createClient, eachPage, type Page, type Result } from '@keyturn/sdk'
import { setClock } from '../clock.ts'

/** Asks for the password, and with it for the second factor, without leaving the page. @returns false: they would rather not */
type SignInAgain = (why: 'ended' | 'recent') => Promise<boolean>

let signInAgain: SignInAgain = () => Promise.resolve(false)
let asking: Promise<boolean> | null = null

/** Set by the page that can ask. */
export function askWith(ask: SignInAgain): void {
  signInAgain = ask
}

const plain = createClient({
  fetch: async (...request) => {
    const response = await fetch(...request)
    setClock(response.headers.get('date'))
    return response
  },
})
/** For signing in itself, and for what must not ask. */
export const plainApi: Client = plain

/**
 * The API, with the session of the browser. Where a call wants a sign-in that is recent, or the session has ended, the reader is asked
 * once for all calls that wait, and the same calls are made again: nothing that was typed is lost.
 */
export const api: Client = {
  call: async (route, ...input) => {
    const first = await plain.call(route, ...input)
    if (first.ok || !wantsSignIn(first.problem)) return first
    asking ??= signInAgain(first.problem.code === 'unauthenticated' ? 'ended' : 'recent').finally(() => {
      asking = null
    })
    return (await asking) ? plain.call(route, ...input) : first
  },
}

const wantsSignIn = ({ code }: CallProblem) => code === 'recent_sign_in_required' || code === 'unauthenticated'

/** What TanStack Query is told by throwing. */
export class ProblemError extends Error {
  readonly problem: CallProblem
  constructor(problem: CallProblem) {
    super(problem.detail)
    this.problem = problem
  }
}

export function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new ProblemError(result.problem)
  return result.value
}

/** Far more than anybody has of what is chosen from; a list without an end would never be shown. */
const mostPages = 50

/** A list to its end, for what is chosen from or counted. */
export async function readAll<T>(read: (cursor: string | undefined) => Promise<Result<Page<T>>>): Promise<T[]> {
  const all: T[] = []
  let pages = 0
  for await (const page of eachPage(read)) {
    all.push(...orThrow(page).data)
    if (++pages === mostPages) break
  }
  return all
}

export const problemIn = (error: unknown): CallProblem | null => (error instanceof ProblemError ? error.problem : null)

/** There was no answer, or one of something in between, as of a proxy whose server is away. */
export function isUnreachable(error: unknown): boolean {
  const code = problemIn(error)?.code
  return code === 'unreachable' || code === 'not_keyturn'
}
