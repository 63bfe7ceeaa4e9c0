import type { Instant } from '../kernel/instant.ts'
import type { Reader } from '../storage/database.ts'
import { pausesWithinMs, type SecretCalls, summariseCalls } from './calls.ts'
import { listCallCounts, listLastCallers, listLastUses } from './use-store.ts'

const never: SecretCalls = { ...summariseCalls([], null, 0), seen: [] }

/** Calls with these secrets of a key within the caller's reach, as far as they are written. */
export async function readCalls(
  reader: Reader,
  keyId: string,
  secrets: readonly { readonly id: string; readonly lastUsedAt: Instant | null }[],
  now: Instant,
): Promise<(secretId: string) => SecretCalls> {
  const ids = secrets.map(({ id }) => id)
  const counts = Map.groupBy(await listCallCounts(reader, ids, now - pausesWithinMs), ({ secretId }) => secretId)
  const uses = await listLastUses(reader, keyId)
  const calls = new Map(
    secrets.map(({ id, lastUsedAt }) => [
      id,
      {
        ...summariseCalls(counts.get(id) ?? [], lastUsedAt, now),
        seen: uses.find(({ secretId }) => secretId === id)?.addresses ?? [],
      },
    ]),
  )
  return (secretId) => calls.get(secretId) ?? never
}

/** Where each of these secrets was called from last. */
export async function readLastCallers(
  reader: Reader,
  secretIds: readonly string[],
): Promise<Map<string, { readonly address: string | null; readonly userAgent: string | null }>> {
  if (secretIds.length === 0) return new Map()
  return new Map((await listLastCallers(reader, secretIds)).map(({ secretId, ...caller }) => [secretId, caller]))
}
