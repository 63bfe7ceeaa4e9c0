import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Logger } from 'pino'
import { signHeads } from '../audit/sign-heads.ts'
import { createApp } from '../http/app.ts'
import { forgetOldAnswers } from '../idempotency/idempotent.ts'
import type { Clock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { install } from '../people/install.ts'
import type { Database } from '../storage/database.ts'
import { migrate, pendingMigrations } from '../storage/migrate.ts'
import { UseCollector } from '../usage/use-collector.ts'
import { prepareDataDirectory } from './data-directory.ts'
import { loadMasterKey } from './master-key-file.ts'
import { type OpenDatabase, openDatabase } from './open-database.ts'
import { periodically } from './periodically.ts'
import { rootKeySource } from './root-key-file.ts'
import { reasonOf, type Settings } from './settings.ts'

const flushEveryMs = 5_000
const signEveryMs = 60_000
// Signed each hour whatever their number, and within a minute once a thousand wait.
const signAtLeast = 1_000
const hourMs = 3_600_000

export interface Running {
  readonly address: string
  /** Where the data is, for people. */
  readonly place: string
  readonly madeRootKey: boolean
  readonly services: { readonly database: Database; readonly masterKey: MasterKey }
  /** Answers what was asked, writes what was noted, gives everything back. */
  stop(): Promise<void>
}

/** From settings to a server that answers. @throws StartError where it cannot */
export async function start(settings: Settings, clock: Clock, log: Logger): Promise<Running> {
  const { opened, masterKey, madeRootKey } = await openInstallation(settings, clock, log)
  const { database } = opened
  const uses = new UseCollector(database)
  const verifier = {
    reader: database.reader,
    now: (reader: Database['reader']) => database.now(reader),
    keyPrefix: settings.keyPrefix,
    noteUse: (keyId: string, secretId: string, at: number) => uses.note(keyId, secretId, at),
  }
  const whyNotReady = () => findWhyNotReady(database)
  const { keyPrefix, publicUrl } = settings
  const app = createApp({ database, verifier, masterKey, keyPrefix, publicUrl, log, whyNotReady }, clock)
  const server = createServer(getRequestListener(app.fetch))
  try {
    await listen(server, settings)
  } catch (error) {
    await opened.close()
    throw error
  }
  const jobs = [
    periodically(flushEveryMs, log, 'write last uses', () => uses.flush()),
    periodically(hourMs, log, 'forget old answers', () => forgetOldAnswers(database)),
    periodically(signEveryMs, log, 'sign audit heads', () => signAndLog(database, masterKey, log, signAtLeast)),
    periodically(hourMs, log, 'sign all audit heads', () => signAndLog(database, masterKey, log, 1)),
  ]
  return {
    address: addressOf(server, settings.host),
    place: opened.place,
    madeRootKey,
    services: { database, masterKey },
    stop: async () => {
      await closeServer(server)
      for (const stopJob of jobs) await stopJob()
      await uses.flush().catch((error: unknown) => log.error({ err: error }, 'the last uses could not be written'))
      await opened.close()
    },
  }
}

/** Everything up to the first request: for the commands too, which need no server. @throws StartError */
export async function openInstallation(
  settings: Settings,
  clock: Clock,
  log: Logger,
): Promise<{ opened: OpenDatabase; masterKey: MasterKey; madeRootKey: boolean }> {
  prepareDataDirectory(settings.dataDir)
  const masterKey = loadMasterKey(settings)
  const opened = await openDatabase(settings, clock, log)
  try {
    await migrate(opened.database)
    const madeRootKey = await install(opened.database, masterKey, rootKeySource(settings), settings.keyPrefix)
    return { opened, masterKey, madeRootKey }
  } catch (error) {
    await opened.close()
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
  const { port } = server.address() as AddressInfo
  const name =
    host === '0.0.0.0' || host === '::' || host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

const stopWithinMs = 10_000

/** Requests under way get their answer; connections that say nothing are closed, and those that never end after 10 s. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), stopWithinMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
