import type { IncomingMessage } from 'node:http'
import type { ActionName } from '@keyturn/contract'
import type { Context, TypedResponse } from 'hono'
import type { Logger } from 'pino'
import type { Refusals } from '../audit/record-refusal.ts'
import {
  type Answer,
  makeRepeatable,
  type RepeatableCall,
  Repeated,
  refuseRepeated,
} from '../idempotency/idempotent.ts'
import { DomainError } from '../kernel/errors.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import type { ChannelGround } from '../notifications/manage-channels.ts'
import type { Call, Caller, Ground } from '../people/call.ts'
import type { Named } from '../people/enter.ts'
import type { Mailer } from '../people/mail.ts'
import type { HeldSession, SignIn } from '../people/sign-in.ts'
import type { RotatingHolder } from '../rotation/rotate-own-key.ts'
import type { Publisher } from '../signing/publisher.ts'
import type { NodeRegistry } from '../verification/node-registry.ts'
import type { Propagation } from '../verification/propagation.ts'
import type { Verifier } from '../verification/verifier.ts'
import type { TrustedProxies } from './client-address.ts'
import type { ConsoleFiles } from './console-files.ts'
import type { Metrics } from './metrics.ts'
import type { Spool } from './spool.ts'
import type { VerdictCounts } from './verdict-counts.ts'

/** What the routes are built on. */
export interface Services {
  readonly ground: Ground
  readonly verifier: Verifier
  readonly propagation: Propagation
  readonly registry: NodeRegistry
  readonly counts: VerdictCounts
  /** What those who verify offline read. */
  readonly publisher: Publisher
  readonly metrics: Metrics
  readonly masterKey: MasterKey
  /** For bodies that are too large for memory. */
  readonly spool: Spool
  /** Writes what this node has noted of the uses of a key, for a decision that goes by the last one. */
  readonly flushUses: (keyId: string) => Promise<void>
  /** Where others reach this installation, without a slash at the end. */
  readonly publicUrl: string
  readonly signIn: SignIn
  readonly refusals: Refusals
  /** Null: none is set up, and links are handed over by people. */
  readonly mailer: Mailer | null
  readonly channels: ChannelGround
  /** Sends what waits for webhooks now, rather than at the next round. */
  readonly sendDeliveries: () => void
  /** Whose `X-Forwarded-For` counts. */
  readonly proxies: TrustedProxies
  /** Null: it was not built. */
  readonly console: ConsoleFiles | null
  readonly log: Logger
  /** Is this process able to answer? Null: yes; else why not. */
  readonly whyNotReady: () => Promise<string | null>
}

export interface Env {
  Bindings: { incoming?: IncomingMessage }
  Variables: {
    requestId: string
    caller: Caller
    bearer: string
    holder: RotatingHolder
    /** Where a person calls. */
    session?: HeldSession
    /** Where a person calls: makes them a caller of one action on what the path names. */
    enter?: (action: ActionName, named: Named) => Promise<void>
  }
}

export const addressOf = (c: Context<Env>): string | null =>
  c.env.incoming?.socket.remoteAddress?.replace(/^::ffff:/, '') ?? null

/** The call as the use cases see it. */
export function callOf(services: Services, c: Context<Env>): Call {
  return { ...services.ground, caller: c.get('caller'), requestId: c.get('requestId'), address: addressOf(c) }
}

/** What a changing POST came to. */
export interface Outcome<B> {
  readonly body: B
  /** This was done before, and the body is that of the first answer. */
  readonly repeated: boolean
}

/**
 * Does what a changing POST asks for. With an `Idempotency-Key` the answer becomes a row of the very transaction that makes the
 * change, so that a repeated request gets it again whatever happened to the first one on its way.
 *
 * @param work must return what its `call.change` gave: that is what the answer is made from, inside the transaction
 * @param present the body; with `showSecrets` false, the same without the value of any secret
 * @param sent what stands for the body of the request, where that was not kept
 */
export async function doOnce<R, B extends object>(
  services: Services,
  c: Context<Env>,
  status: number,
  work: (call: Call) => Promise<R>,
  present: (result: R, showSecrets: boolean) => B,
  sent?: string,
): Promise<Outcome<B>> {
  const call = callOf(services, c)
  const repeatable = await repeatableCallOf(c, sent)
  if (!repeatable) return { body: present(await work(call), true), repeated: false }
  const toAnswer = (result: unknown): Answer => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the change gives is what the work returns: see @param work
    const given = result as R
    const body = JSON.stringify(present(given, true))
    const concealed = JSON.stringify(present(given, false))
    return { status, body, bodyWithoutSecrets: concealed === body ? null : concealed }
  }
  try {
    if (sent !== undefined) await refuseRepeated(call, services.masterKey, repeatable)
    const result = await work(makeRepeatable(call, services.masterKey, repeatable, toAnswer))
    return { body: present(result, true), repeated: false }
  } catch (error) {
    if (!(error instanceof Repeated)) throw error
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the text that was made from such a body
    return { body: JSON.parse(error.answer.body) as B, repeated: true }
  }
}

/** Answers with it. */
export async function answerOnce<R, B extends object, S extends 200 | 201>(
  services: Services,
  c: Context<Env>,
  status: S,
  work: (call: Call) => Promise<R>,
  present: (result: R, showSecrets: boolean) => B,
  sent?: string,
): Promise<TypedResponse<B, S, 'json'> & Response> {
  const { body, repeated } = await doOnce(services, c, status, work, present, sent)
  if (repeated) c.header('Idempotency-Replayed', 'true')
  const response: Response = c.body(JSON.stringify(body), status, { 'Content-Type': 'application/json' })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Hono's type for a response with this body
  return response as TypedResponse<B, S, 'json'> & Response
}

/** @throws DomainError invalid_request where the header is not one */
async function repeatableCallOf(c: Context<Env>, sent?: string): Promise<RepeatableCall | null> {
  const idempotencyKey = c.req.header('idempotency-key')
  if (idempotencyKey === undefined) return null
  if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
    const detail = 'must be 1 to 255 visible ASCII characters'
    throw new DomainError('invalid_request', { errors: [{ path: 'Idempotency-Key', detail }] })
  }
  return {
    caller: c.get('caller').actor.id ?? c.get('caller').actor.type,
    route: `${c.req.method} ${c.req.path}`,
    idempotencyKey,
    body: sent ?? (await c.req.text()),
    bearer: c.get('bearer'),
  }
}
