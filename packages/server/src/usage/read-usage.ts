import type { QuotaState, VerdictCode } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, type Instant, parseInstant } from '../kernel/instant.ts'
import { findKeyInReach } from '../keys/find-key.ts'
import { readQuota } from '../limits/read-quota.ts'
import type { Call, Ground } from '../people/call.ts'
import { listLastUses, listUsage, rollUp } from './use-store.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000
const hoursKeptMs = 35 * dayMs
const daysKeptMs = 400 * dayMs
const mostBuckets = 1_000
const defaultSteps = { hour: 24, day: 30 } as const
// The last hour that RFC 3339 can write.
const lastTime = Date.UTC(9999, 11, 31, 23)

export interface UsageQuery {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly step: 'hour' | 'day'
}

export interface Usage {
  readonly from: string
  readonly to: string
  readonly data: UsageBucket[]
  readonly quota: QuotaState | null
  readonly last_uses: {
    secret_id: string
    at: string
    address: string | null
    user_agent: string | null
    addresses: { address: string; at: string; user_agent: string | null }[]
  }[]
}

export interface UsageBucket {
  readonly at: string
  readonly secret_id: string
  readonly counts: Partial<Record<VerdictCode, number>>
}

/**
 * How often a key was called, by secret and verdict: of the last day by hour or the last 30 days by day, unless it is said otherwise.
 * The span is widened to whole steps, in UTC. Hours are kept for 35 days, days for 400; what is only a few seconds old may not be
 * written yet.
 *
 * @throws DomainError insufficient_scope, key_not_found, invalid_request where the span is empty, too long for the step, or older than it
 */
export async function readUsage(call: Call, keyId: string, query: UsageQuery): Promise<Usage> {
  const key = await findKeyInReach(call, keyId, 'keys:read')
  const stepMs = query.step === 'hour' ? hourMs : dayMs
  const now = await call.now(call.reader)
  const to = roundUp(query.to === undefined ? now + 1 : parseInstant(query.to), stepMs)
  const from =
    query.from === undefined ? to - defaultSteps[query.step] * stepMs : roundDown(parseInstant(query.from), stepMs)
  refuseSpan(from, to, stepMs)
  if (query.step === 'hour') refuseRolledUp(from, now)
  const buckets = new Map<string, UsageBucket & { counts: Partial<Record<VerdictCode, number>> }>()
  for (const row of await listUsage(call.reader, key.id, from, to, query.step)) {
    const name = `${row.at}/${row.secretId}`
    const bucket = buckets.get(name) ?? { at: formatTime(row.at), secret_id: row.secretId, counts: {} }
    bucket.counts[row.code] = row.count
    buckets.set(name, bucket)
  }
  const lastUses = await listLastUses(call.reader, key.id)
  return {
    from: formatTime(from),
    to: formatTime(to),
    data: [...buckets.values()],
    last_uses: lastUses.flatMap(({ secretId, at, address, userAgent, addresses }) =>
      at === null
        ? []
        : [
            {
              secret_id: secretId,
              at: formatTime(at),
              address,
              user_agent: userAgent,
              addresses: addresses.map((seen) => ({
                address: seen.address,
                at: formatTime(seen.at),
                user_agent: seen.userAgent,
              })),
            },
          ],
    ),
    quota: key.quota && (await readQuota(call.reader, key.id, key.quota, now)),
  }
}

const roundDown = (time: Instant, stepMs: number): Instant => time - (time % stepMs)
const roundUp = (time: Instant, stepMs: number): Instant => Math.min(roundDown(time + stepMs - 1, stepMs), lastTime)

/** Older hours have become days; in an hour of theirs nothing would be found, or the whole day. */
function refuseRolledUp(from: Instant, now: Instant): void {
  if (from >= oldestHour(now)) return
  const detail = `hours are kept since ${formatTime(oldestHour(now))}; for what was before ask with step=day`
  throw new DomainError('invalid_request', { errors: [{ path: 'from', detail }] })
}

const oldestHour = (now: Instant): Instant => roundDown(now, dayMs) - hoursKeptMs

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
    await rollUp(tx, oldestHour(now), roundDown(now, dayMs) - daysKeptMs)
  })
}
