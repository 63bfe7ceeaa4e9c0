import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { Logger } from 'pino'
import { DomainError } from '../kernel/errors.ts'
import type { Env } from './context.ts'
import { bearerChallenge, toProblem } from './error-map.ts'

/** Every error becomes a problem here, and nowhere else. What nobody foresaw is logged with its stack and answered without it. */
export function answerError(log: Logger, error: Error, c: Context<Env>): Response {
  const requestId = c.get('requestId')
  const known = foreseen(error)
  if (!known) log.error({ request_id: requestId, err: error }, 'a request failed in a way that nobody foresaw')
  else if (known.code === 'database_unavailable')
    log.warn({ request_id: requestId, err: known.cause }, 'the database could not be asked')
  const domainError = known ?? new DomainError('internal_error')
  const problem = toProblem(domainError, requestId)
  const challenge = bearerChallenge(domainError)
  if (challenge !== undefined) c.header('WWW-Authenticate', challenge)
  if (problem.status === 503) c.header('Retry-After', '1')
  if (typeof domainError.facts['retry_after'] === 'number')
    c.header('Retry-After', String(domainError.facts['retry_after']))
  return c.body(JSON.stringify(problem), problem.status, { 'Content-Type': 'application/problem+json' })
}

function foreseen(error: Error): DomainError | undefined {
  if (error instanceof DomainError) return error
  if (error instanceof HTTPException && error.status === 415) return new DomainError('unsupported_media_type')
  if (error instanceof HTTPException && error.status < 500) {
    return new DomainError('invalid_json', { reason: 'The body cannot be read as JSON.' })
  }
  return undefined
}
