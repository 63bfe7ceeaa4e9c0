import { type ServerResponse, validateHeaderValue } from 'node:http'
import type { ErrorCode, VerdictCode } from '@keyturn/contract'
import type { DomainError } from '../kernel/errors.ts'
import { formatInstant, type Instant, never } from '../kernel/instant.ts'
import type { Charge } from '../limits/limit.ts'
import type { VerifyRecord } from '../verification/decide.ts'
import type { Finding } from '../verification/verifier.ts'
import { warningAt, warningHoldsUntil } from '../verification/warning.ts'
import { toProblem } from './error-map.ts'
import { limitHeaders } from './limit-headers.ts'
import type { WholeResponse, WriteWhole } from './whole-messages.ts'

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

const most = 20_000

interface KeptHead {
  readonly text: string
  /** From then on it would have to say something else: that the end is near. */
  readonly until: Instant
}

/**
 * Answers proxies. The head for a valid key is kept: it says the same until its record is read anew, or its end comes near
 * (docs/caches.md).
 */
export class AuthorizeAnswers {
  readonly #valid = new Map<VerifyRecord, KeptHead>()
  readonly #writeWhole: WriteWhole
  readonly #now: () => Instant

  /** @param now the time that verdicts go by */
  constructor(writeWhole: WriteWhole, now: () => Instant) {
    this.#writeWhole = writeWhole
    this.#now = now
  }

  /** @param passed the statuses that the proxy passes on; null: all */
  send(response: WholeResponse, finding: Finding, passed: readonly number[] | null): void {
    const { code, hint, record, charge } = finding
    if (code === 'VALID' && record && this.#writeWhole(response, this.#textOf(finding, record, charge))) return
    const status = statuses[code]
    const shown = status === 200 || passed === null || passed.includes(status) ? status : 403
    const warning = code === 'VALID' && record ? warningAt(record, this.#now()) : null
    const headers = [...headersOf(code, hint, record, warning), ...chargeHeaders(charge, shown === 429)]
    // RFC 6750 §3: the caller presented something, and it is no good.
    if (shown === 401) headers.push('www-authenticate', 'Bearer realm="api", error="invalid_token"')
    response.writeHead(shown, headers)
    response.end()
  }

  /** What is left of limits is other each time, and takes the place of what the kept text ends with. */
  #textOf(finding: Finding, record: VerifyRecord, charge: Charge | null): string {
    const text = this.#keptText(finding, record)
    return charge === null ? text : `${text.slice(0, -ending.length)}${linesOf(chargeHeaders(charge))}\r\n`
  }

  #keptText({ code, hint }: Finding, record: VerifyRecord): string {
    const kept = this.#valid.get(record)
    if (kept !== undefined && (kept.until === never || this.#now() < kept.until)) return kept.text
    if (this.#valid.size >= most) this.#valid.clear()
    const now = this.#now()
    const text = `${linesOf(headersOf(code, hint, record, warningAt(record, now)))}${ending}`
    this.#valid.set(record, { text, until: warningHoldsUntil(record, now) })
    return text
  }
}

/** @throws TypeError where a value would end its line: it comes to the proxy as no header that nobody meant */
function linesOf(headers: readonly string[]): string {
  let lines = ''
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2)
    validateHeaderValue(name, value)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/**
 * What is wrong with the proxy's own request is 500, never 401: a 401 would be passed on to the caller, who can do nothing about it,
 * and a proxy lets nothing pass on a 500.
 */
export function sendFailure(response: ServerResponse, error: DomainError, requestId: string): void {
  const problem = toProblem(error, requestId)
  const status = problem.status === 503 ? 503 : 500
  const body = JSON.stringify({ ...problem, status })
  const type = ['content-type', 'application/problem+json', 'x-request-id', requestId]
  const own = headersOf(error.code, null, null, null, Buffer.byteLength(body))
  response.writeHead(status, [...type, ...own, ...chargeHeaders(null)])
  response.end(body)
}

/** All of them, empty where there is nothing to say: a proxy that copies them overwrites whatever the caller made up. */
function headersOf(
  code: VerdictCode | ErrorCode,
  hint: string | null,
  record: VerifyRecord | null,
  warning: string | null,
  contentLength = 0,
): string[] {
  return [
    'cache-control',
    'no-store',
    'content-length',
    String(contentLength),
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
    'x-keyturn-key-warning',
    warning ?? '',
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

/**
 * What is left of the limits of the key, for the proxy to hand on under whatever name; and for proxies that pass on an answer as it is,
 * under the standard names, too. Those say nothing where there is nothing to say: an empty `Retry-After` would be wrong.
 *
 * @param isRefused as too many
 */
function chargeHeaders(charge: Charge | null, isRefused = false): string[] {
  const { policy, left, retryAfter } = limitHeaders(charge)
  const headers = [
    'x-keyturn-ratelimit-policy',
    policy,
    'x-keyturn-ratelimit',
    left,
    'x-keyturn-retry-after',
    retryAfter,
  ]
  if (policy !== '') headers.push('ratelimit-policy', policy)
  if (left !== '') headers.push('ratelimit', left)
  if (isRefused && retryAfter !== '') headers.push('retry-after', retryAfter)
  return headers
}

/** Of a kept text: of no limits. */
const ending = `${linesOf(chargeHeaders(null))}\r\n`

/** Header values are ASCII (RFC 9110 §5.5): everything else is percent-encoded as UTF-8, and so is the percent sign. */
function encode(text: string | null | undefined): string {
  return (text ?? '').replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()))
}
