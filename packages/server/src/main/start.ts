import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Logger } from 'pino'
import { Refusals } from '../audit/record-refusal.ts'
import { signHeads } from '../audit/sign-heads.ts'
import { mailStillHolds } from '../expirations/send-digests.ts'
import { settleReminders } from '../expirations/settle-reminders.ts'
import { SoonEndings } from '../expirations/soon-ending.ts'
import { tendReminders } from '../expirations/tend-reminders.ts'
import { createApp } from '../http/app.ts'
import { createAuthorizePath, isAuthorizePath } from '../http/authorize-path.ts'
import { Metrics } from '../http/metrics.ts'
import { recordRefusedProxies } from '../http/refusals.ts'
import { Spool } from '../http/spool.ts'
import { VerdictCounts } from '../http/verdict-counts.ts'
import { VerifyCallers } from '../http/verify-callers.ts'
import { createVerifyPath } from '../http/verify-path.ts'
import { createWriteWhole, WholeRequest, WholeResponse } from '../http/whole-messages.ts'
import { forgetOldAnswers } from '../idempotency/idempotent.ts'
import type { Clock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { MailSender } from '../notifications/mail-sender.ts'
import { forgetOldDeliveries } from '../notifications/manage-deliveries.ts'
import { DeliverySender } from '../notifications/send-deliveries.ts'
import { openSmtpMailer } from '../notifications/smtp-mailer.ts'
import { forgetOldAttempts } from '../people/attempts.ts'
import type { Ground } from '../people/call.ts'
import { install, type RootKeyState } from '../people/install.ts'
import { forgetEndedSessions } from '../people/sessions.ts'
import { isSetUp, setUpLink } from '../people/set-up.ts'
import { SignIn } from '../people/sign-in.ts'
import { Publisher } from '../signing/publisher.ts'
import { isBulkUnderWay } from '../storage/bulk.ts'
import type { Database } from '../storage/database.ts'
import { migrate, pendingMigrations } from '../storage/migrate.ts'
import { rollUpUsage } from '../usage/read-usage.ts'
import { forgetOldChanges } from '../verification/feed-store.ts'
import { holdDataDirectory, prepareDataDirectory } from './data-directory.ts'
import { loadConsole } from './load-console.ts'
import { loadMasterKey } from './master-key-file.ts'
import { createNode } from './node.ts'
import { type OpenDatabase, openDatabase } from './open-database.ts'
import { periodically } from './periodically.ts'
import { createPostWebhook } from './post-webhook.ts'
import { restAfterWork } from './rest-after-work.ts'
import { rootKeySource } from './root-key-file.ts'
import { reasonOf, type Settings } from './settings.ts'

const flushEveryMs = 5_000
// Sooner than whoever waits for a webhook begins to wonder.
const deliverEveryMs = 1_000
const mailEveryMs = 5_000
const settleEveryMs = 30_000
const remindEveryMs = 60_000
const signEveryMs = 60_000
// Signed each hour whatever their number, and within a minute once a thousand wait.
const signAtLeast = 1_000
const hourMs = 3_600_000
// Longer than clients and proxies keep an idle connection (most 60 s or less), so that they close it: were it us, a request that
// is just then on its way would be lost, and nobody may repeat a POST by itself.
const keepAliveMs = 75_000
const mostCallers = 1_000
// A node that was away for longer begins anew.
const changesKept = 100_000

export interface Running {
  readonly address: string
  /** Where the data is, for people. */
  readonly place: string
  readonly rootKey: RootKeyState
  /** Makes the first owner; null: somebody has signed up. */
  readonly setUpLink: string | null
  /** Answers what was asked, writes what was noted, gives everything back. */
  readonly stop: () => Promise<void>
}

/** From settings to a server that answers. @throws StartError where it cannot */
export async function start(settings: Settings, clock: Clock, log: Logger): Promise<Running> {
  const installation = await openInstallation(settings, clock, log)
  const { database, masterKey, place, rootKey } = installation
  try {
    const { address, stop } = await serve(database, masterKey, settings, clock, log)
    const stopAll = async () => {
      await stop()
      await installation.close()
    }
    if (settings.smtpUrl !== null && new URL(settings.publicUrl).hostname === 'localhost')
      log.warn('SMTP_URL is set, but KEYTURN_PUBLIC_URL is localhost: nobody elsewhere can follow the links in mails')
    const now = await database.now(database.reader)
    const link = (await isSetUp(database.reader)) ? null : setUpLink(masterKey, publicUrlOf(settings, address), now)
    return { address, place, rootKey, setUpLink: link, stop: stopAll }
  } catch (error) {
    await installation.close()
    throw error
  }
}

/** A node: answers HTTP and does the periodic work, on a database that is installed. @throws StartError */
export async function serve(
  database: Database,
  masterKey: MasterKey,
  settings: Settings,
  clock: Clock,
  log: Logger,
): Promise<{ address: string; stop: () => Promise<void> }> {
  const node = createNode(database, masterKey, settings, clock, log)
  const { ground, verifier, feed, propagation, registry, uses, limits } = node
  const counts = new VerdictCounts()
  const deliverySender = new DeliverySender({
    // Without a word to the other nodes: nothing that it writes alters a verdict.
    ground: groundOf(database, settings, masterKey),
    clock,
    masterKey,
    post: createPostWebhook({ allowPrivate: settings.webhookAllowPrivate }),
    publicUrl: settings.publicUrl,
    onTrouble: (error) => log.warn({ err: error }, 'a delivery was interrupted; it will be tried again'),
  })
  const mailer = settings.smtpUrl === null ? null : openSmtpMailer(settings.smtpUrl, settings.mailFrom)
  const sender = new MailSender({
    ground,
    mailer,
    follower: { stillHolds: (mail) => mailStillHolds(ground, mail), settled: settleReminders },
  })
  const soonEndings = new SoonEndings(ground, clock)
  const metrics = new Metrics({ ...node, counts, deliverySender, soonEndings, mails: sender })
  await feed.start()
  const whyNotReady = () => findWhyNotReady(database)
  const { publicUrl, trustedProxies: proxies } = settings
  // What cannot be written now stays noted and is counted as a failure; the decision goes by what is written.
  const flushUses = (keyId: string) => uses.flushKey(keyId).catch(() => {})
  const signIn = new SignIn({
    ground,
    clock,
    masterKey,
    publicUrl,
    mailer,
    onMailFailure: (error) => log.warn({ err: error }, 'a mail could not be sent'),
  })
  const spool = new Spool(settings.dataDir)
  await spool.clear()
  const refusals = new Refusals(ground, () => verifier.now())
  const services = {
    ground,
    verifier,
    propagation,
    registry,
    counts,
    publisher: new Publisher(ground, clock, () => verifier.generation),
    metrics,
    masterKey,
    spool,
    flushUses,
    publicUrl,
    signIn,
    refusals,
    mailer,
    channels: { masterKey, allowPrivate: settings.webhookAllowPrivate },
    sendDeliveries: () =>
      void deliverySender.run().catch((error: unknown) => log.warn({ err: error }, 'deliveries must wait')),
    proxies,
    console: loadConsole(),
    log,
    whyNotReady,
  }
  const app = createApp(services, clock)
  const answer = getRequestListener(app.fetch)
  const others = (request: WholeRequest, response: WholeResponse) => void answer(request, response)
  const callers = new VerifyCallers(verifier, Math.min(mostCallers, settings.cachedKeys))
  const onRefused = recordRefusedProxies({ refusals, log })
  const writeWhole = createWriteWhole(clock, keepAliveMs)
  const verify = createVerifyPath(verifier, callers, counts, writeWhole, others)
  const authorize = createAuthorizePath({ verifier, callers, proxies, counts, writeWhole, log, onRefused })
  const messages = { IncomingMessage: WholeRequest, ServerResponse: WholeResponse }
  const server = createServer({ ...messages, keepAliveTimeout: keepAliveMs }, (request, response) => {
    const { method, url = '' } = request
    if (method === 'POST' && url === '/v1/verify') verify(request, response)
    else if (isAuthorizePath(url)) authorize(request, response)
    else others(request, response)
  })
  const connections = connectionsOf(server)
  try {
    await listen(server, settings)
  } catch (error) {
    await feed.stop()
    await node.close()
    throw error
  }
  const jobs = [
    periodically(flushEveryMs, log, 'write last uses', () => uses.flush()),
    periodically(settleEveryMs, log, 'give back unused quotas', () => limits.quotas.settle()),
    periodically(remindEveryMs, log, 'remind', () =>
      tendReminders(
        ground,
        { masterKey, publicUrl },
        restAfterWork(clock, () => isBulkUnderWay(ground.reader)),
      ),
    ),
    periodically(deliverEveryMs, log, 'send deliveries', () => deliverySender.run()),
    periodically(hourMs, log, 'forget old deliveries', () => forgetOldDeliveries(ground)),
    periodically(mailEveryMs, log, 'send mails', () => sender.sendDue()),
    periodically(flushEveryMs, log, 'remove silent nodes', () => registry.removeSilent()),
    periodically(hourMs, log, 'forget old changes', () => forgetOldChanges(database.reader, changesKept)),
    periodically(hourMs, log, 'roll up usage', () => rollUpUsage(ground)),
    periodically(hourMs, log, 'forget old answers', () => forgetOldAnswers(ground)),
    periodically(hourMs, log, 'forget ended sessions', () => forgetEndedSessions(ground)),
    periodically(hourMs, log, 'forget old attempts', () => forgetOldAttempts(ground)),
    periodically(hourMs, log, 'forget refused calls', () => refusals.forgetOld()),
    periodically(signEveryMs, log, 'sign audit heads', () => signAndLog(database, masterKey, log, signAtLeast)),
    periodically(hourMs, log, 'sign all audit heads', () => signAndLog(database, masterKey, log, 1)),
  ]
  const stop = async () => {
    await closeServer(server, connections)
    sender.stop()
    for (const stopJob of jobs) await stopJob()
    await deliverySender.stop()
    await signIn.settle()
    await limits.quotas
      .settle(true)
      .catch((error: unknown) => log.error({ err: error }, 'unused parts of quotas could not be given back'))
    await uses.flushAll().catch((error: unknown) => log.error({ err: error }, 'the last uses could not be written'))
    await feed.stop()
    await node.close()
  }
  return { address: addressOf(server, settings.host), stop }
}

/** As set; where any free port was taken, with that one. */
const publicUrlOf = (settings: Settings, address: string) =>
  settings.port === 0 && new URL(settings.publicUrl).port === '0' ? address : settings.publicUrl

export function groundOf(database: Database, { keyPrefix, publicUrl }: Settings, masterKey: MasterKey): Ground {
  return {
    reader: database.reader,
    change: (work) => database.transaction(work),
    snapshot: (read) => database.snapshot(read),
    now: (reader) => database.now(reader),
    keyPrefix,
    tokens: { issuer: publicUrl, sealKey: masterKey.tokenSealKey() },
  }
}

/** What an installation is opened for: the server, and the commands that need none. */
export interface OpenInstallation {
  readonly database: Database
  readonly masterKey: MasterKey
  /** Where the data is, for people. */
  readonly place: string
  readonly rootKey: RootKeyState
  readonly close: () => Promise<void>
}

/**
 * Everything up to the first request. The data directory is held before anything in it is read or made, so that of two processes
 * at once one makes the master key and the other is told.
 *
 * @throws StartError
 */
export async function openInstallation(settings: Settings, clock: Clock, log: Logger): Promise<OpenInstallation> {
  prepareDataDirectory(settings.dataDir)
  const release = settings.databaseUrl === null ? await holdDataDirectory(settings.dataDir) : async () => {}
  let opened: OpenDatabase | undefined
  const close = async () => {
    await opened?.close()
    await release()
  }
  try {
    const masterKey = loadMasterKey(settings)
    opened = await openDatabase(settings, clock, log)
    const { database, place } = opened
    await migrate(database)
    const rootKey = await install(groundOf(database, settings, masterKey), masterKey, rootKeySource(settings))
    return { database, masterKey, place, rootKey, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function signAndLog(database: Database, masterKey: MasterKey, log: Logger, atLeast: number): Promise<void> {
  for (const head of await signHeads(database, masterKey.auditSigningKey(), atLeast))
    log.info({ audit_head: head }, 'audit head signed')
}

async function findWhyNotReady(database: Database): Promise<string | null> {
  try {
    const pending = await pendingMigrations(database.reader)
    return pending.length === 0 ? null : `migrations are missing: ${pending.join(', ')}`
  } catch {
    return 'the database cannot be asked'
  }
}

function listen(server: Server, { host, port }: Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const reason = reasonOf(error)
      if (reason === 'EADDRINUSE')
        reject(new StartError(`KEYTURN_PORT ${port} is taken by another program; stop that one, or set another port.`))
      else if (reason === 'EACCES')
        reject(new StartError(`KEYTURN_PORT ${port} may not be used by this user; set one above 1023.`))
      else
        reject(
          new StartError(`KEYTURN_HOST ${host} cannot be listened on (${reason}); set an address of this machine.`),
        )
    })
    server.listen(port, host, resolve)
  })
}

function addressOf(server: Server, host: string): string {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const name =
    host === '0.0.0.0' || host === '::' || host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

const stopWithinMs = 10_000
const sweepEveryMs = 50

/** Requests under way get their answer; connections that say nothing are closed, and those that never end after 10 s. */
function closeServer(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), stopWithinMs)
    // What was asked by a connection is answered, and then it is idle too.
    const sweep = setInterval(() => server.closeIdleConnections(), sweepEveryMs)
    server.close(() => {
      clearTimeout(timer)
      clearInterval(sweep)
      resolve()
    })
    // Browsers keep some in reserve by which nothing was asked yet: Node does not count them among the idle ones.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  })
}

function connectionsOf(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>()
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  return connections
}
