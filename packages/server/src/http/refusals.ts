import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Logger } from 'pino'
import type { Refusal, Refusals } from '../audit/record-refusal.ts'
import { DomainError } from '../kernel/errors.ts'
import { nowhere } from '../people/call.ts'
import type { AuthorizeParts } from './authorize-path.ts'
import { addressOf, type Env, type Services } from './context.ts'
import { toProblem } from './error-map.ts'

// These are put on record where they happen, with the account that they are about.
const recordedElsewhere = new Set(['sign_in_refused', 'second_factor_refused'])

/** Does the error say that whoever calls may not, rather than that something is wrong with the call? */
function isRefusal(error: unknown): error is DomainError {
  if (!(error instanceof DomainError) || recordedElsewhere.has(error.code)) return false
  const { status } = toProblem(error, '')
  return status === 401 || status === 403
}

interface Recorder {
  readonly refusals: Refusals
  readonly log: Logger
}

/** Where it cannot be put on record the log says so: the call was refused. */
async function put({ refusals, log }: Recorder, refusal: Omit<Refusal, 'action' | 'subject'>): Promise<void> {
  try {
    await refusals.record({ ...refusal, action: 'call.refused', subject: null })
  } catch (failure) {
    log.warn({ err: failure, request_id: refusal.requestId }, 'a refused call could not be put on record')
  }
}

/** Puts calls that are refused on record, before the answer goes out. */
export function recordRefusals(services: Services): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next()
    const { error } = c
    if (!isRefusal(error)) return
    // One that failed before it was authenticated has no caller.
    const caller: Env['Variables']['caller'] | undefined = c.get('caller')
    const pattern = matchedRoutes(c).findLast((route) => !route.path.includes('*'))?.path ?? '/v1/*'
    await put(services, {
      code: error.code,
      actor: caller?.actor ?? null,
      organizationId: caller?.organizationId === nowhere ? null : (caller?.organizationId ?? null),
      route: `${c.req.method} ${pattern}`,
      address: addressOf(c),
      requestId: c.get('requestId'),
    })
  }
}

/** The same for proxies, whose calls are answered ahead of the framework: without a moment's wait for it. */
export function recordRefusedProxies(recorder: Recorder): AuthorizeParts['onRefused'] {
  return (error, { requestId, address }) => {
    if (!isRefusal(error)) return
    const { code } = error
    void put(recorder, { code, actor: null, organizationId: null, route: 'ANY /v1/authorize', address, requestId })
  }
}
