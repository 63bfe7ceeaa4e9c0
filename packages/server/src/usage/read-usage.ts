import type { VerdictCode } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, type Instant, parseInstant } from '../kernel/instant.ts'
import { findKeyInReach } from '../keys/find-key.ts'
import type { Call, Ground } from '../people/call.ts'
import { listUsage, rollUp } from './use-store.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000
const hoursKeptMs = 35 * dayMs
const daysKeptMs = 400 * dayMs
const mostBuckets = 1_000

export interface UsageQuery {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly step: 'hour' | 'day'
}

export interface UsageBucket {
  readonly at: string
  readonly secret_id: string
  readonly counts: Partial<Record<VerdictCode, number>>
}

/**
 * How often a key was called, by secret and verdict: of the last day by hour or the last 30 days by day, unless it is said otherwise.
 * Hours are kept for 35 days, days for 400; what is only a few seconds old may not be written yet.
 *
 * @throws DomainError insufficient_scope, key_not_found, invalid_request where the span is empty or too long for the step
 */
export async function readUsage(
  call: Call,
  keyId: string,
  query: UsageQuery,
): Promise<{ from: string; to: string; data: UsageBucket[] }> {
  const key = await findKeyInReach(call, keyId, 'keys:read')
  const stepMs = query.step === 'hour' ? hourMs : dayMs
  const now = await call.now(call.reader)
  const to = query.to === undefined ? now - (now % stepMs) + stepMs : parseInstant(query.to)
  const from = query.from === undefined ? to - (query.step === 'hour' ? 24 : 30) * stepMs : parseInstant(query.from)
  refuseSpan(from, to, stepMs)
  const buckets = new Map<string, UsageBucket & { counts: Partial<Record<VerdictCode, number>> }>()
  for (const row of await listUsage(call.reader, key.id, from, to, query.step)) {
    const name = `${row.at}/${row.secretId}`
    const bucket = buckets.get(name) ?? { at: formatTime(row.at), secret_id: row.secretId, counts: {} }
    bucket.counts[row.code] = row.count
    buckets.set(name, bucket)
  }
  return { from: formatTime(from), to: formatTime(to), data: [...buckets.values()] }
}

function refuseSpan(from: Instant, to: Instant, stepMs: number): void {
  const detail =
    from >= to
      ? 'must be before `to`'
      : to - from > mostBuckets * stepMs
        ? `must be at most ${mostBuckets} steps before \`to\``
        : undefined
  if (detail !== undefined) throw new DomainError('invalid_request', { errors: [{ path: 'from', detail }] })
}

/** For a job. */
export async function rollUpUsage(ground: Ground): Promise<void> {
  await ground.change(async (tx) => {
    const now = await ground.now(tx)
    await rollUp(tx, now - hoursKeptMs - (now % dayMs), now - daysKeptMs)
  })
}
