import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type SoonEndings, soonWindows } from '../expirations/soon-ending.ts'
import type { Limits } from '../limits/limits.ts'
import type { MailSender } from '../notifications/mail-sender.ts'
import type { DeliverySender } from '../notifications/send-deliveries.ts'
import type { UseCollector } from '../usage/use-collector.ts'
import type { ChangeFeed } from '../verification/change-feed.ts'
import type { Lease } from '../verification/lease.ts'
import type { Propagation } from '../verification/propagation.ts'
import type { RecordCache } from '../verification/record-cache.ts'
import type { CountsByCode, VerdictCounts } from './verdict-counts.ts'
import { version } from './version.ts'

export interface Measured {
  readonly counts: VerdictCounts
  readonly cache: RecordCache
  readonly lease: Lease
  readonly feed: ChangeFeed
  readonly propagation: Propagation
  readonly uses: UseCollector
  readonly limits: Limits
  readonly soonEndings: SoonEndings
  readonly deliverySender: DeliverySender
  readonly mails: Pick<MailSender, 'counts'>
}

/**
 * What `GET /metrics` shows, for Prometheus. Every number but those of expirations, for which the database is asked, is one that its
 * owner keeps anyway and that is read at the scrape: nothing is done for it while a verdict is given. Labels have a closed list of values; there is no id, name or value of anything in them.
 */
export class Metrics {
  readonly type = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #measured: Measured
  #registry: Registry | null = null

  constructor(measured: Measured) {
    this.#measured = measured
  }

  text(): Promise<string> {
    // Made with the first scrape: where nobody scrapes, nothing is observed.
    this.#registry ??= createRegistry(this.#measured)
    return this.#registry.metrics()
  }
}

function createRegistry({
  counts,
  cache,
  lease,
  feed,
  propagation,
  uses,
  limits,
  soonEndings,
  deliverySender,
  mails,
}: Measured): Registry {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })

  collectDefaultMetrics({ register: registry })
  new Gauge({ name: 'keyturn_info', help: 'Always 1.', labelNames: ['version'], registers }).set({ version }, 1)
  const paths: Record<string, CountsByCode> = {
    verify: counts.verify,
    authorize: counts.authorize,
    introspect: counts.introspect,
  }
  new Counter({
    name: 'keyturn_verdicts_total',
    help: 'Verdicts by where they were asked for and what they were.',
    labelNames: ['path', 'code'],
    registers,
    collect() {
      this.reset()
      for (const [path, codes] of Object.entries(paths))
        for (const [code, count] of Object.entries(codes)) this.inc({ path, code }, count)
    },
  })
  counter(
    'keyturn_authorize_failures_total',
    'Questions of proxies that got an error and no verdict.',
    () => counts.authorizeFailures,
  )

  gauge('keyturn_cache_records', 'Keys in memory.', () => cache.size.records)
  gauge('keyturn_cache_misses', 'Values in memory that no key has.', () => cache.size.misses)
  counter('keyturn_cache_lookups_total', 'How often the memory was asked for a value.', () => cache.use.lookUps)
  counter('keyturn_cache_hits_total', 'How often the memory had it.', () => cache.use.hits)

  gauge('keyturn_feed_applied_sequence', 'The newest change that this node has applied.', () => feed.applied)
  gauge('keyturn_feed_head_sequence', 'The newest change that this node knows of.', () => feed.head)
  gauge('keyturn_feed_lag', 'Known changes that this node has not applied.', () => feed.head - feed.applied)
  counter('keyturn_feed_looks_total', 'Looks at the change feed.', () => feed.looks)
  counter('keyturn_feed_look_failures_total', 'Looks that failed or came back too late.', () => feed.failedLooks)
  gauge(
    'keyturn_lease_remaining_seconds',
    'For how long this node still answers from memory.',
    () => lease.remainingMs() / 1000,
  )
  counter('keyturn_propagation_waits_total', 'Revocations that were waited for.', () => propagation.waits)
  counter('keyturn_propagation_wait_timeouts_total', 'Waits that timed out.', () => propagation.timedOutWaits)

  gauge('keyturn_uses_unwritten', 'Secrets whose last calls are in memory alone.', () => uses.unwritten)
  counter(
    'keyturn_use_flush_failures_total',
    'Failed writes of counts and last uses; nothing is lost by one.',
    () => uses.failedFlushes,
  )
  if (limits.isShared !== null) {
    gauge('keyturn_redis_up', 'Whether Redis answers, and rate limits hold for all nodes together.', () =>
      Number(limits.isShared),
    )
    counter(
      'keyturn_rate_limit_fallbacks_total',
      'Calls that this node counted by itself, because Redis did not answer.',
      () => limits.fallbacks,
    )
  }
  counter('keyturn_quota_draws_total', 'Blocks of quotas that were asked for.', () => limits.quotas.draws)
  counter(
    'keyturn_quota_draw_failures_total',
    'Those for which the database could not be asked; the key says what then.',
    () => limits.quotas.failedDraws,
  )
  new Counter({
    name: 'keyturn_webhook_attempts_total',
    help: 'Attempts of this node to deliver a webhook, by how they ended.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      for (const [outcome, count] of Object.entries(deliverySender.counts)) this.inc({ outcome }, count)
    },
  })
  new Gauge({
    name: 'keyturn_webhook_dead_letters',
    help: 'Deliveries of all organizations that were given up in the last 90 days.',
    registers,
    async collect() {
      this.set(await deliverySender.countDead())
    },
  })
  counter('keyturn_mails_sent_total', 'Mails that the SMTP server has taken.', () => mails.counts.sent)
  counter(
    'keyturn_mail_failures_total',
    'Attempts to send a mail that failed; it is tried again for three days.',
    () => mails.counts.failures,
  )
  new Gauge({
    name: 'keyturn_expirations',
    help: 'Secrets and tracked credentials that end within a time, of all organizations; counted once a minute, up to 50,000.',
    labelNames: ['window', 'source', 'in_use'],
    registers,
    async collect() {
      const found = await soonEndings.read()
      for (const [window, within] of Object.entries(soonWindows))
        for (const { source, inUse } of countedApart) {
          const one = found.find((row) => row.within === within && row.source === source && row.inUse === inUse)
          this.set({ window, source, in_use: String(inUse ?? 'unknown') }, one?.count ?? 0)
        }
    },
  })
  return registry
}

/** Whether somebody else's credential is in use nobody can know. */
const countedApart = [
  { source: 'key', inUse: true },
  { source: 'key', inUse: false },
  { source: 'tracked_credential', inUse: null },
] as const
