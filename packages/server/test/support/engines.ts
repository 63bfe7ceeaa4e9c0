import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { inject } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { type Database, openPglite, openPostgres } from '../../src/storage/database.ts'
import { templateDatabase } from './templates.ts'

/** Both engines, each opening a migrated database of its own: `describe.each(engines)('…, on $name', ({ open }) => …)`. */
export const engines: Engine[] = [
  { name: 'PGlite', open: openImage },
  { name: 'PostgreSQL', open: openCopy },
]

/**
 * For suites that are generated from every route there is, and go by what stands before the database: running them twice would prove nothing
 * more, and take minutes.
 */
export const anEngine = (name: Engine['name']): Engine[] => engines.filter((engine) => engine.name === name)

export interface Engine {
  readonly name: 'PGlite' | 'PostgreSQL'
  /** Closing it leaves nothing behind. */
  open(clock?: Clock): Promise<Database>
}

async function openImage(clock: Clock = systemClock): Promise<Database> {
  const image = await readFile(inject('pgliteImage'))
  return openPglite({ image: new Uint8Array(image) }, clock)
}

async function openCopy(clock: Clock = systemClock): Promise<Database> {
  const { url, drop } = await createPostgresDatabase()
  const database = openPostgres(url, clock, () => {})
  const close = database.close.bind(database)
  database.close = async () => {
    await close()
    await drop()
  }
  return database
}

/** A migrated database on the run's PostgreSQL server, for tests that start processes or connections of their own. */
export async function createPostgresDatabase(
  options: { empty?: boolean } = {},
): Promise<{ url: string; drop: () => Promise<void> }> {
  const adminUrl = inject('postgresUrl')
  const name = `test_${randomBytes(8).toString('hex')}`
  const source = options.empty ? `template template0 encoding 'UTF8'` : `template ${templateDatabase}`
  await asAdmin(adminUrl, `create database ${name} ${source}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => asAdmin(adminUrl, `drop database if exists ${name} with (force)`) }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = new pg.Client(url)
  await admin.connect()
  try {
    await admin.query(statement)
  } finally {
    await admin.end()
  }
}
