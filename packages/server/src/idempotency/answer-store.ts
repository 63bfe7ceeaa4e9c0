import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

/** What names a call that may be repeated. */
export interface AnswerKey {
  readonly caller: string
  readonly route: string
  readonly idempotencyKey: string
}

export interface StoredAnswer {
  readonly bodyDigest: Uint8Array
  readonly status: number | null
  readonly answer: string | null
  readonly sealedAnswer: Uint8Array | null
  readonly createdAt: Instant
}

/**
 * Claims the row of a call, or waits for whoever has claimed it.
 *
 * @returns whether it is ours now
 */
export async function claimAnswer(tx: Tx, key: AnswerKey, bodyDigest: Uint8Array, now: Instant): Promise<boolean> {
  const row = await tx
    .insertInto('idempotent_answers')
    .values({
      caller: key.caller,
      route: key.route,
      idempotency_key: key.idempotencyKey,
      body_digest: bodyDigest,
      status: null,
      answer: null,
      sealed_answer: null,
      created_at: at(now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('caller')
    .executeTakeFirst()
  return row !== undefined
}

export async function findAnswer(reader: Reader, key: AnswerKey): Promise<StoredAnswer | undefined> {
  const row = await matching(reader, key).selectAll().executeTakeFirst()
  return (
    row && {
      bodyDigest: row.body_digest,
      status: row.status,
      answer: row.answer,
      sealedAnswer: row.sealed_answer,
      createdAt: row.created_at,
    }
  )
}

const matching = (reader: Reader, key: AnswerKey) =>
  reader
    .selectFrom('idempotent_answers')
    .where('caller', '=', key.caller)
    .where('route', '=', key.route)
    .where('idempotency_key', '=', key.idempotencyKey)

/** @param answer without any secret; `sealedAnswer` has it with them, encrypted */
export async function storeAnswer(
  tx: Tx,
  key: AnswerKey,
  status: number,
  answer: string,
  sealedAnswer: Uint8Array | null,
): Promise<void> {
  await tx
    .updateTable('idempotent_answers')
    .set({ status, answer, sealed_answer: sealedAnswer })
    .where('caller', '=', key.caller)
    .where('route', '=', key.route)
    .where('idempotency_key', '=', key.idempotencyKey)
    .execute()
}

/** Makes room for the same key to be used anew. An answer of later than `notAfter` stays. */
export async function deleteAnswer(tx: Tx, key: AnswerKey, notAfter: Instant): Promise<void> {
  await tx
    .deleteFrom('idempotent_answers')
    .where('caller', '=', key.caller)
    .where('route', '=', key.route)
    .where('idempotency_key', '=', key.idempotencyKey)
    .where('created_at', '<=', at(notAfter))
    .execute()
}

/** Forgets what nobody may ask for any more. */
export async function forgetAnswers(tx: Tx, answersBefore: Instant, secretsBefore: Instant): Promise<void> {
  await tx.deleteFrom('idempotent_answers').where('created_at', '<', at(answersBefore)).execute()
  await tx
    .updateTable('idempotent_answers')
    .set({ sealed_answer: null })
    .where('created_at', '<', at(secretsBefore))
    .where('sealed_answer', 'is not', null)
    .execute()
}
