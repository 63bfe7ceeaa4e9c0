import type { Quota, QuotaState } from '@keyturn/contract'
import { formatTime, type Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { readDrawn } from './quota-store.ts'
import { nextRefill, periodStart } from './refill.ts'

/** How much of a quota is gone, as far as the database knows: with what nodes have drawn and not used yet. */
export async function readQuota(
  reader: Reader,
  keyId: string,
  { limit, refill }: Quota,
  now: Instant,
): Promise<QuotaState> {
  const period = periodStart(now, refill)
  const drawn = await readDrawn(reader, { keyId, refill, period })
  return {
    limit,
    refill,
    drawn,
    remaining: Math.max(0, limit - drawn),
    refills_at: formatTime(nextRefill(period, refill)),
  }
}
