import { existsSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Clock } from '../kernel/clock.ts'
import { DomainError, StartError } from '../kernel/errors.ts'
import { type Database, openPglite, openPostgres } from '../storage/database.ts'
import { sqlState } from '../storage/driver-errors.ts'
import { reasonOf, type Settings } from './settings.ts'

export interface OpenDatabase {
  readonly database: Database
  /** Where the data is, for people. */
  readonly place: string
  readonly close: () => Promise<void>
}

export const embeddedDirectory = (settings: Settings): string => path.join(settings.dataDir, 'postgres')

/** The caller holds the data directory. @throws StartError where it is unreachable */
export function openDatabase(settings: Settings, clock: Clock, log: Logger): Promise<OpenDatabase> {
  return settings.databaseUrl === null ? openEmbedded(settings, clock) : openServer(settings.databaseUrl, clock, log)
}

async function openEmbedded(settings: Settings, clock: Clock): Promise<OpenDatabase> {
  const dataDir = embeddedDirectory(settings)
  try {
    if (!existsSync(dataDir)) await createEmbedded(dataDir, clock)
    const database = await openPglite({ dataDir }, clock)
    return { database, place: dataDir, close: () => database.close() }
  } catch (error) {
    throw new StartError(
      `KEYTURN_DATA_DIR: the embedded database in ${dataDir} cannot be opened (${reasonOf(error)}); restore the directory from a ` +
        'backup, or name another one.',
      { cause: error },
    )
  }
}

/** Under another name until it is whole: a process that is killed in the midst of it leaves nothing that looks like a database. */
async function createEmbedded(dataDir: string, clock: Clock): Promise<void> {
  const unfinished = `${dataDir}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  await (await openPglite({ dataDir: unfinished }, clock)).close()
  renameSync(unfinished, dataDir)
}

async function openServer(url: string, clock: Clock, log: Logger): Promise<OpenDatabase> {
  const database = openPostgres(url, clock, (error) => log.warn({ err: error }, 'an idle database connection broke'))
  try {
    await checkServer(database, log)
  } catch (error) {
    await database.close().catch(() => {})
    throw error
  }
  const { host, pathname } = new URL(url)
  return { database, place: `PostgreSQL at ${host}${pathname}`, close: () => database.close() }
}

const oldestServer = 150_000

async function checkServer(database: Database, log: Logger): Promise<void> {
  let row: { version: number; fsync: string; commit: string; encoding: string; standby: boolean } | undefined
  try {
    const { rows } = await sql<NonNullable<typeof row>>`select current_setting('server_version_num')::int as version,
      current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
      current_setting('server_encoding') as encoding, pg_is_in_recovery() as standby`.execute(database.reader)
    row = rows[0]
  } catch (error) {
    throw new StartError(
      `DATABASE_URL: the database cannot be reached (${whyUnreachable(error)}); check the address, the password, and that it runs.`,
    )
  }
  if (!row) throw new StartError('DATABASE_URL: the database gave no answer; check the address.')
  if (row.version < oldestServer) {
    throw new StartError(
      `DATABASE_URL: the server is PostgreSQL ${Math.floor(row.version / 10_000)}; Keyturn wants 15 or newer.`,
    )
  }
  if (row.encoding !== 'UTF8')
    throw new StartError(`DATABASE_URL: the database is encoded in ${row.encoding}; create one with ENCODING 'UTF8'.`)
  if (row.standby)
    throw new StartError('DATABASE_URL: the server is a read-only standby; use the address of the writable one.')
  if (row.fsync !== 'on' || row.commit === 'off') {
    log.warn(
      { fsync: row.fsync, synchronous_commit: row.commit },
      'the database may lose what it has acknowledged; set both to on',
    )
  }
}

function whyUnreachable(error: unknown): string {
  const cause = error instanceof DomainError ? error.cause : error
  const message = cause instanceof Error ? cause.message : String(cause)
  return (sqlState(cause) ?? message) || message
}
