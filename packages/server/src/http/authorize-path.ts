import type { IncomingMessage, ServerResponse } from 'node:http'
import { type KeyKind, keyKinds, type VerdictCode } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { VerifyDemand } from '../verification/decide.ts'
import type { Finding, Verifier } from '../verification/verifier.ts'
import { clientAddress, type TrustedProxies } from './client-address.ts'
import { toProblem } from './error-map.ts'
import { bearerOf } from './middleware.ts'
import { newRequestId } from './request-id.ts'
import type { VerifyCallers } from './verify-callers.ts'

/** What a proxy is told with each verdict (RFC 9110 §15.5): who sent the call is unknown, or known and not allowed. */
const statuses = {
  VALID: 200,
  MALFORMED: 401,
  NOT_FOUND: 401,
  REVOKED: 401,
  ROTATED: 401,
  EXPIRED: 401,
  DISABLED: 401,
  API_ACCESS_DISABLED: 403,
  WRONG_PROJECT: 403,
  WRONG_KIND: 403,
  IP_NOT_ALLOWED: 403,
  INSUFFICIENT_SCOPE: 403,
  RATE_LIMITED: 429,
  QUOTA_EXCEEDED: 429,
} satisfies Record<VerdictCode, number>

type Listener = (request: IncomingMessage, response: ServerResponse) => void

export const isAuthorizePath = (url: string): boolean => /^\/v1\/authorize(?:[/?]|$)/.test(url)

interface Wanted extends VerifyDemand {
  /** The statuses that the proxy passes on; others become 403. */
  readonly statuses: readonly number[] | null
}

/**
 * `ANY /v1/authorize` for proxies that ask before they pass a request on. The caller's key is in `Authorization` or `X-Api-Key`, the
 * proxy's own in `X-Keyturn-Management-Key`. What is required comes from the query alone, which the proxy writes: nothing the
 * caller sends can loosen it. Each answer has every `X-Keyturn-*` header, empty where there is nothing to say, so that a proxy that
 * copies them overwrites whatever the caller made up.
 */
export function createAuthorizePath(verifier: Verifier, callers: VerifyCallers, proxies: TrustedProxies): Listener {
  return (request, response) => {
    // A body may come along; it is none of ours.
    request.resume()
    const credential = request.headers['x-keyturn-management-key']
    const wanted = parseWanted(request, proxies)
    if (wanted instanceof DomainError) return fail(response, wanted)
    if (typeof credential !== 'string' || credential === '') return fail(response, new DomainError('unauthenticated'))
    const presented = presentedKey(request)
    const known = callers.warm(credential)
    const warm =
      known && typeof presented === 'string'
        ? verifier.inspectWarm(presented, wanted, known.reach, userAgentOf(request))
        : undefined
    if (warm) return answer(response, warm, wanted)
    void answerCold(request, response, credential, presented, wanted)
  }

  async function answerCold(
    request: IncomingMessage,
    response: ServerResponse,
    credential: string,
    presented: string | Finding,
    wanted: Wanted,
  ): Promise<void> {
    try {
      const { reach } = await callers.authenticate(credential, request.socket.remoteAddress ?? null)
      answer(
        response,
        typeof presented === 'string'
          ? await verifier.inspect(presented, wanted, reach, userAgentOf(request))
          : presented,
        wanted,
      )
    } catch (error) {
      fail(response, error instanceof DomainError ? error : new DomainError('internal_error', {}, { cause: error }))
    }
  }
}

const userAgentOf = (request: IncomingMessage) => request.headers['user-agent'] ?? null

const refused = (code: 'MALFORMED' | 'NOT_FOUND', hint: string): Finding => ({ code, hint, record: null })

/** @returns a verdict where there is not exactly one credential */
function presentedKey({ headers }: IncomingMessage): string | Finding {
  const apiKey = headers['x-api-key']
  const { authorization } = headers
  if (authorization === undefined) {
    return typeof apiKey === 'string' && apiKey !== ''
      ? apiKey
      : refused('MALFORMED', 'No key was sent. Send it as `Authorization: Bearer <key>` or `X-Api-Key: <key>`.')
  }
  let bearer: string
  try {
    bearer = bearerOf(authorization)
  } catch {
    return refused('MALFORMED', 'The Authorization header is not `Bearer <key>`.')
  }
  return apiKey === undefined || apiKey === bearer
    ? bearer
    : refused('MALFORMED', 'Authorization and X-Api-Key hold two different keys. Send one.')
}

const knownParameters = new Set(['project', 'scopes', 'kinds', 'statuses'])
const isKind = (text: string): text is KeyKind => (keyKinds as readonly string[]).includes(text)

/** @returns an error where the proxy's query is not understood: its configuration is wrong, and nothing may pass */
function parseWanted(request: IncomingMessage, proxies: TrustedProxies): Wanted | DomainError {
  const ip = clientAddress(request, proxies)
  const { url = '' } = request
  const question = url.indexOf('?')
  if (question < 0) return { ip, statuses: null }
  const query = new URLSearchParams(url.slice(question + 1))
  const wrong = (path: string, detail: string) => new DomainError('invalid_request', { errors: [{ path, detail }] })
  for (const name of query.keys()) {
    if (!knownParameters.has(name)) return wrong(name, `${JSON.stringify(name)} is not known here`)
    if (query.getAll(name).length > 1) return wrong(name, 'must be given once; several values with commas')
  }
  const list = (name: string) =>
    query
      .get(name)
      ?.split(',')
      .filter((part) => part !== '')
  const kinds = list('kinds')
  const passed = list('statuses')
  if (kinds && !kinds.every(isKind)) return wrong('kinds', `must be of ${keyKinds.join(', ')}`)
  if (passed && !passed.every((status) => /^(?:401|403|429)$/.test(status)))
    return wrong('statuses', 'must be of 401, 403, 429')
  return {
    ip,
    project: query.get('project') ?? undefined,
    scopes: list('scopes'),
    kinds: kinds?.filter(isKind),
    statuses: passed ? passed.map(Number) : null,
  }
}

function answer(response: ServerResponse, finding: Finding, wanted: Wanted): void {
  const status = statuses[finding.code]
  const shown = status === 200 || wanted.statuses === null || wanted.statuses.includes(status) ? status : 403
  const headers = verdictHeaders(finding)
  if (shown === 401) headers.push('www-authenticate', `Bearer realm="api", error="invalid_token"`)
  response.writeHead(shown, headers)
  response.end()
}

function verdictHeaders({ code, hint, record }: Finding): string[] {
  return [
    'cache-control',
    'no-store',
    'content-length',
    '0',
    'x-keyturn-code',
    code,
    'x-keyturn-hint',
    encode(hint),
    'x-keyturn-key-id',
    record?.keyId ?? '',
    'x-keyturn-key-name',
    encode(record?.name),
    'x-keyturn-key-kind',
    record?.kind ?? '',
    'x-keyturn-key-environment',
    record?.environment ?? '',
    'x-keyturn-key-owner',
    encode(record?.owner),
    'x-keyturn-key-scopes',
    record?.scopes.join(' ') ?? '',
    'x-keyturn-key-expires-at',
    (record && formatInstant(record.end)) ?? '',
    'x-keyturn-organization-id',
    record?.project.organizationId ?? '',
    'x-keyturn-project-id',
    record?.project.projectId ?? '',
    'x-keyturn-secret-id',
    record?.secretId ?? '',
    'x-keyturn-secret-slot',
    record?.slot ?? '',
  ]
}

/** Header values are ASCII (RFC 9110 §5.5): everything else is percent-encoded, and so is the percent sign. */
function encode(text: string | null | undefined): string {
  return (text ?? '').replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()))
}

/**
 * What is wrong with the proxy's own request is 500, never 401: a 401 would be passed on to the caller, who can do nothing about it,
 * and a proxy lets nothing pass on a 500.
 */
function fail(response: ServerResponse, error: DomainError): void {
  const problem = toProblem(error, newRequestId())
  const status = problem.status === 503 ? 503 : 500
  const body = JSON.stringify({ ...problem, status })
  const headers = verdictHeaders({ code: 'NOT_FOUND', hint: null, record: null })
  headers[headers.indexOf('x-keyturn-code') + 1] = error.code
  headers[headers.indexOf('content-length') + 1] = String(Buffer.byteLength(body))
  response.writeHead(status, ['content-type', 'application/problem+json', ...headers])
  response.end(body)
}
