import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import { type MasterKey, open, seal } from '../kernel/master-key.ts'
import type { Call, Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import * as store from './answer-store.ts'

const answersKeptMs = 24 * 3600 * 1000
const secretsKeptMs = 10 * 60 * 1000

/** A call that carries an `Idempotency-Key`. */
export interface RepeatableCall extends store.AnswerKey {
  readonly body: string
  /** The caller's own credential: an answer that holds a secret can be opened with it alone. */
  readonly bearer: string
}

export interface Answer {
  readonly status: number
  /** JSON. */
  readonly body: string
  /** The same with every secret value taken out; null where there was none in it. */
  readonly bodyWithoutSecrets: string | null
}

/** The first answer to a call, found again. Thrown, so that the transaction of the repeated call ends without a trace. */
export class Repeated extends Error {
  readonly answer: { readonly status: number; readonly body: string }

  constructor(answer: { status: number; body: string }) {
    super('repeated call')
    this.answer = answer
  }
}

/**
 * The same call, whose change happens once. Its row is written first and in the same transaction: of two at once the second waits
 * and gets the answer of the first; work that fails leaves no row, so that it can be tried again.
 *
 * The change throws `Repeated` with the first answer, for 10 minutes as it was, then without the secret's value;
 * or DomainError idempotency_key_reused where the body is another one.
 *
 * @param toAnswer the answer to what the change gave
 */
export function makeRepeatable(
  call: Call,
  masterKey: MasterKey,
  repeatable: RepeatableCall,
  toAnswer: (result: unknown) => Answer,
): Call {
  const change: Call['change'] = (work) =>
    call.change(async (tx) => {
      await claim(tx, await call.now(tx), masterKey, repeatable)
      const result = await work(tx)
      const { status, body, bodyWithoutSecrets } = toAnswer(result)
      const sealed = bodyWithoutSecrets === null ? null : seal(masterKey.answerKey(repeatable.bearer), body)
      await store.storeAnswer(tx, repeatable, status, bodyWithoutSecrets ?? body, sealed)
      return result
    })
  return { ...call, change }
}

/**
 * Was it done before? For work that is long before its change, which asks the same again.
 *
 * @throws Repeated, DomainError idempotency_key_reused
 */
export async function refuseRepeated(call: Ground, masterKey: MasterKey, repeatable: RepeatableCall): Promise<void> {
  const stored = await store.findAnswer(call.reader, repeatable)
  const now = await call.now(call.reader)
  if (stored && now - stored.createdAt < answersKeptMs)
    throw repeated(stored, sha256(repeatable.body), now, masterKey, repeatable)
}

async function claim(tx: Tx, now: Instant, masterKey: MasterKey, call: RepeatableCall): Promise<void> {
  const digest = sha256(call.body)
  while (!(await store.claimAnswer(tx, call, digest, now))) {
    const stored = await store.findAnswer(tx, call)
    if (stored && now - stored.createdAt < answersKeptMs) throw repeated(stored, digest, now, masterKey, call)
    // Somebody who comes with the same old key at the same time may claim it first: then there is their answer to look at.
    await store.deleteAnswer(tx, call, now - answersKeptMs)
  }
}

function repeated(
  stored: store.StoredAnswer,
  digest: Uint8Array,
  now: Instant,
  masterKey: MasterKey,
  call: RepeatableCall,
): Error {
  if (Buffer.compare(stored.bodyDigest, digest) !== 0) return new DomainError('idempotency_key_reused')
  const status = stored.status ?? 200
  const isFresh = now - stored.createdAt < secretsKeptMs
  const whole = stored.sealedAnswer && isFresh ? openAnswer(stored.sealedAnswer, masterKey, call) : null
  return new Repeated({ status, body: whole ?? stored.answer ?? '' })
}

/** @returns null where the caller comes with another credential than the first time, as after a rotation of its own key */
function openAnswer(sealed: Uint8Array, masterKey: MasterKey, call: RepeatableCall): string | null {
  try {
    return open(masterKey.answerKey(call.bearer), sealed)
  } catch {
    return null
  }
}

/** For a job: answers are forgotten after 24 hours, their secrets after 10 minutes. */
export async function forgetOldAnswers(ground: Ground): Promise<void> {
  await ground.change(async (tx) => {
    const now = await ground.now(tx)
    await store.forgetAnswers(tx, now - answersKeptMs, now - secretsKeptMs)
  })
}
