import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { DomainError } from '../kernel/errors.ts'
import type { KnownCaller } from '../verification/caller-cache.ts'
import type { VerifyDemand } from '../verification/decide.ts'
import type { Finding, Verifier } from '../verification/verifier.ts'
import { AnswersOfTurn } from './answers-of-turn.ts'
import { AuthorizeAnswers, sendFailure } from './authorize-answer.ts'
import { AuthorizeQueries } from './authorize-query.ts'
import { clientAddress, type TrustedProxies } from './client-address.ts'
import { bearerOf } from './middleware.ts'
import { newRequestId } from './request-id.ts'
import type { VerdictCounts } from './verdict-counts.ts'
import type { VerifyCallers } from './verify-callers.ts'
import type { WholeRequest, WholeResponse, WriteWhole } from './whole-messages.ts'

type Listener = (request: WholeRequest, response: WholeResponse) => void

interface Question {
  readonly request: WholeRequest
  readonly response: WholeResponse
  /** The proxy's own. */
  readonly credential: string
  readonly presented: string | Finding
  readonly demand: VerifyDemand
  readonly statuses: readonly number[] | null
  readonly known: KnownCaller | undefined
}

interface WarmAnswer extends Question {
  readonly finding: Finding
}

export const isAuthorizePath = (url: string): boolean => url === '/v1/authorize' || /^\/v1\/authorize[/?]/.test(url)

export interface AuthorizeParts {
  readonly verifier: Verifier
  readonly callers: VerifyCallers
  readonly proxies: TrustedProxies
  readonly counts: VerdictCounts
  readonly writeWhole: WriteWhole
  readonly log: Logger
  /** Puts on record that the proxy itself was refused. */
  readonly onRefused: (error: DomainError, from: { requestId: string; address: string | null }) => void
}

/**
 * `ANY /v1/authorize` for proxies that ask before they pass a request on. The caller's key is in `Authorization` or `X-Api-Key`, the
 * proxy's own in `X-Keyturn-Management-Key`. What is required comes from the query alone, which the proxy writes: no header and no
 * body that the caller sends can loosen it. Each answer has every `X-Keyturn-*` header.
 */
export function createAuthorizePath(parts: AuthorizeParts): Listener {
  const { verifier, callers, proxies, counts, writeWhole, log, onRefused } = parts
  const queries = new AuthorizeQueries()
  const answers = new AuthorizeAnswers(writeWhole, () => verifier.now())
  const turn = new AnswersOfTurn<WarmAnswer>(() => verifier.isTrusted(), answerWarm, askAgain)

  return (request, response) => {
    // A body may come along; it is none of ours.
    request.finish()
    const credential = request.headers['x-keyturn-management-key']
    const wanted = queries.of(request.url ?? '')
    if (wanted instanceof DomainError) return fail(request, response, wanted)
    if (typeof credential !== 'string' || credential === '')
      return fail(request, response, new DomainError('unauthenticated'))
    const { project, scopes, kinds, statuses } = wanted
    const demand = { project, scopes, kinds, ip: clientAddress(request, proxies), cost: 1 }
    const presented = presentedKey(request)
    const known = callers.warm(credential)
    const finding =
      known && typeof presented === 'string' ? verifier.decideWarm(presented, demand, known.reach) : undefined
    if (finding) turn.add({ request, response, credential, presented, demand, statuses, known, finding })
    else void answerCold({ request, response, credential, presented, demand, statuses, known })
  }

  function answerWarm({ request, response, demand, statuses, finding }: WarmAnswer): void {
    verifier.note(finding, demand, userAgentOf(request))
    answer(response, finding, statuses)
  }

  function askAgain({ finding, ...question }: WarmAnswer): Promise<void> {
    verifier.giveBack(finding)
    return answerCold(question)
  }

  async function answerCold({
    request,
    response,
    credential,
    presented,
    demand,
    statuses,
    known,
  }: Question): Promise<void> {
    try {
      const reach = await callers.reachOf(credential, known, request.socket.remoteAddress ?? null)
      const finding =
        typeof presented === 'string'
          ? await verifier.inspect(presented, demand, reach, userAgentOf(request))
          : presented
      answer(response, finding, statuses)
    } catch (error) {
      fail(request, response, error)
    }
  }

  function answer(response: WholeResponse, finding: Finding, statuses: readonly number[] | null): void {
    counts.authorize[finding.code]++
    answers.send(response, finding, statuses)
  }

  function fail(request: WholeRequest, response: WholeResponse, error: unknown): void {
    counts.authorizeFailures++
    const requestId = newRequestId()
    const known = error instanceof DomainError ? error : new DomainError('internal_error')
    if (known !== error)
      log.error({ request_id: requestId, err: error }, 'a request failed in a way that nobody foresaw')
    onRefused(known, { requestId, address: request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? null })
    sendFailure(response, known, requestId)
  }
}

const userAgentOf = (request: IncomingMessage) => request.headers['user-agent'] ?? null

const malformed = (hint: string): Finding => ({ code: 'MALFORMED', hint, record: null, charge: null })
const nothingSent = malformed('No key was sent. Send it as `Authorization: Bearer <key>` or `X-Api-Key: <key>`.')
const notBearer = malformed('The Authorization header is not `Bearer <key>`.')
const twoKeys = malformed('Authorization and X-Api-Key hold two different keys. Send one.')
const twoHeaders = malformed('There is more than one Authorization header. Send one.')

/** @returns a verdict where there is not exactly one credential */
function presentedKey({ headers, rawHeaders }: IncomingMessage): string | Finding {
  // Empty is what some proxies make of a header that did not come.
  const apiKey = headers['x-api-key'] || undefined
  const authorization = headers.authorization || undefined
  // Node keeps the first of several; who is asked after us may go by the last.
  if (headers.authorization !== undefined && isRepeated('authorization', rawHeaders)) return twoHeaders
  if (authorization === undefined) return typeof apiKey === 'string' ? apiKey : nothingSent
  let bearer: string
  try {
    bearer = bearerOf(authorization)
  } catch {
    return notBearer
  }
  return apiKey === undefined || apiKey === bearer ? bearer : twoKeys
}

/** @param rawHeaders names and values in turn */
function isRepeated(name: string, rawHeaders: readonly string[]): boolean {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const sent = rawHeaders[at]
    if (sent?.length === name.length && sent.toLowerCase() === name) count++
  }
  return count > 1
}
