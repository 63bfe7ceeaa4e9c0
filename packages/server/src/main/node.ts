import type { Logger } from 'pino'
import { version } from '../http/version.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ground } from '../people/call.ts'
import { connectDedicated, type Database, notifyChange } from '../storage/database.ts'
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
  readonly feed: ChangeFeed
  readonly propagation: Propagation
  readonly registry: NodeRegistry
  readonly uses: UseCollector
}

const mostMisses = 100_000

export function createNode(database: Database, settings: Settings, clock: Clock, log: Logger): Node {
  const { reader } = database
  const cache = new RecordCache(settings.cachedKeys, mostMisses)
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
  const loader = new RecordLoader(reader, cache, {
    applied: () => feed.applied,
    mayRemember: () => lease.isHeld(),
    monotonic: () => clock.monotonic(),
  })
  const verifier = new Verifier({
    cache,
    loader,
    lease,
    time,
    clock,
    keyPrefix: settings.keyPrefix,
    noteUse: uses.note.bind(uses),
  })
  const ground: Ground = {
    reader,
    change: async (work) => {
      const result = await database.transaction(work)
      if (database.capabilities.shared) announce(reader, log)
      await feed.wake()
      return result
    },
    now: (of) => database.now(of),
    keyPrefix: settings.keyPrefix,
  }
  const propagation = new Propagation(reader, feed, clock)
  return { ground, verifier, feed, propagation, registry: new NodeRegistry(reader, clock), uses }
}

/** After the commit, and without anybody waiting for it: NOTIFY inside a transaction would make all commits queue. */
function announce(reader: Database['reader'], log: Logger): void {
  notifyChange(reader).catch((error: unknown) =>
    log.debug({ err: error }, 'the other nodes could not be told; they look by themselves'),
  )
}
