import type { Logger } from 'pino'
import { version } from '../http/version.ts'
import type { Clock } from '../kernel/clock.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { Limits } from '../limits/limits.ts'
import { QuotaBlocks } from '../limits/quota-blocks.ts'
import { SharedWindows } from '../limits/shared-windows.ts'
import type { Ground } from '../people/call.ts'
import { connectDedicated, type Database, notifyChange, openPostgres } from '../storage/database.ts'
import { UseCollector } from '../usage/use-collector.ts'
import { ChangeFeed } from '../verification/change-feed.ts'
import { DatabaseTime } from '../verification/database-time.ts'
import { Lease } from '../verification/lease.ts'
import { NodeRegistry } from '../verification/node-registry.ts'
import { Propagation } from '../verification/propagation.ts'
import { RecordCache } from '../verification/record-cache.ts'
import { RecordLoader } from '../verification/record-loader.ts'
import { Verifier } from '../verification/verifier.ts'
import type { Settings } from './settings.ts'

/** What answers verdicts in this process, put together. */
export interface Node {
  readonly ground: Ground
  readonly verifier: Verifier
  readonly cache: RecordCache
  readonly lease: Lease
  readonly feed: ChangeFeed
  readonly propagation: Propagation
  readonly registry: NodeRegistry
  readonly uses: UseCollector
  readonly limits: Limits
  /** Gives its connections back, after the last verdict. */
  close(): Promise<void>
}

const mostMisses = 100_000

export function createNode(
  database: Database,
  masterKey: MasterKey,
  settings: Settings,
  clock: Clock,
  log: Logger,
): Node {
  const { reader } = database
  const cache = new RecordCache(settings.cachedKeys, Math.min(mostMisses, settings.cachedKeys))
  const lease = new Lease(clock, settings.maxStalenessMs)
  const time = new DatabaseTime(clock)
  const uses = new UseCollector(database)
  const { databaseUrl } = settings
  const feed: ChangeFeed = new ChangeFeed({
    connect: () =>
      databaseUrl === null
        ? Promise.resolve({ reader, destroy: () => {} })
        : connectDedicated(databaseUrl, () => void feed.wake()),
    cache,
    lease,
    time,
    clock,
    version,
    onTrouble: (error) => log.warn({ err: error }, 'the change feed could not be read; it is tried again'),
  })
  const verdictReads = openVerdictReads(database, databaseUrl, clock, log)
  const loader = new RecordLoader(verdictReads.reader, cache, {
    applied: () => feed.applied,
    mayRemember: () => lease.isHeld(),
    monotonic: () => clock.monotonic(),
  })
  const draws = openDraws(database, databaseUrl, clock, log)
  const quotas = new QuotaBlocks({
    reader: draws.reader,
    now: () => time.now(),
    onTrouble: (error) =>
      log.warn({ err: error }, 'quotas cannot be drawn from; each key goes by its on_outage until they can'),
  })
  const shared = openSharedWindows(settings.redisUrl, log)
  const limits = new Limits(quotas, shared)
  const verifier = new Verifier({
    cache,
    loader,
    lease,
    time,
    clock,
    limits,
    keyPrefix: settings.keyPrefix,
    noteUse: uses.note.bind(uses),
  })
  const ground: Ground = {
    reader,
    change: async (work) => {
      const result = await database.transaction(work)
      if (database.capabilities.shared) announce(reader, log)
      await feed.catchUp()
      return result
    },
    snapshot: (read) => database.snapshot(read),
    now: (of) => database.now(of),
    keyPrefix: settings.keyPrefix,
    tokens: { issuer: settings.publicUrl, sealKey: masterKey.tokenSealKey() },
  }
  const propagation = new Propagation(reader, feed, clock)
  const registry = new NodeRegistry(reader, clock)
  const close = async () => {
    shared?.stop()
    await Promise.all([verdictReads.close(), draws.close()])
  }
  return { ground, verifier, cache, lease, feed, propagation, registry, uses, limits, close }
}

// One for each statement that the loader has under way.
const verdictConnections = 2
// No request waits longer: past it, an answer is nobody's.
const verdictTimeoutMs = 2_000

/** Connections of their own for cold verdicts: what keeps the pool busy, or holds its connections, must not delay them. */
function openVerdictReads(database: Database, url: string | null, clock: Clock, log: Logger) {
  if (url === null) return { reader: database.reader, close: async () => {} }
  const onBroken = (error: Error) => log.warn({ err: error }, 'a database connection for verdicts broke')
  return openPostgres(url, clock, onBroken, verdictConnections, verdictTimeoutMs)
}

// Few, and not those of cold verdicts: whoever waits for the row of a quota must not delay a revocation.
const drawConnections = 2

function openDraws(database: Database, url: string | null, clock: Clock, log: Logger) {
  if (url === null) return { reader: database.reader, close: async () => {} }
  const onBroken = (error: Error) => log.warn({ err: error }, 'a database connection for quotas broke')
  return openPostgres(url, clock, onBroken, drawConnections, verdictTimeoutMs)
}

function openSharedWindows(url: string | null, log: Logger): SharedWindows | null {
  if (url === null) return null
  return new SharedWindows({
    url,
    onLost: (reason) =>
      log.warn({ reason }, 'Redis does not answer; rate limits hold for each node by itself until it does'),
    onBack: () => log.info('Redis answers again; rate limits hold for all nodes together'),
  })
}

/** After the commit, and without anybody waiting for it: NOTIFY inside a transaction would make all commits queue. */
function announce(reader: Database['reader'], log: Logger): void {
  notifyChange(reader).catch((error: unknown) =>
    log.debug({ err: error }, 'the other nodes could not be told; they look by themselves'),
  )
}
