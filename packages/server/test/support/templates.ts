import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { systemClock } from '../../src/kernel/clock.ts'
import { openPglite, openPostgres } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { PgliteThread } from '../../src/storage/pglite-driver.ts'
import * as postgres from '../postgres/global-setup.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The data directory of a migrated PGlite. */
    pgliteDirectory: string
    /** A file: the same, to be opened in memory. */
    pgliteImage: string
  }
}

export const templateDatabase = 'keyturn_template'

let directory: string | undefined

/** Migrates each engine once, so that a test opens a copy instead of migrating for itself. */
export async function setup(project: TestProject): Promise<void> {
  await postgres.setup(project)
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-test-'))
  await Promise.all([preparePostgres(project.getProvidedContext().postgresUrl), preparePglite(directory)])
  project.provide('pgliteDirectory', path.join(directory, 'pglite'))
  project.provide('pgliteImage', path.join(directory, 'pglite.tar'))
}

export async function teardown(): Promise<void> {
  await postgres.teardown()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
}

async function preparePostgres(adminUrl: string): Promise<void> {
  const admin = new pg.Client(adminUrl)
  await admin.connect()
  await admin.query(`create database ${templateDatabase} encoding 'UTF8' template template0`)
  await admin.end()
  const url = new URL(adminUrl)
  url.pathname = `/${templateDatabase}`
  const database = openPostgres(url.href, systemClock, () => {})
  await migrate(database)
  await database.close()
}

async function preparePglite(within: string): Promise<void> {
  const dataDir = path.join(within, 'pglite')
  const database = await openPglite({ dataDir }, systemClock)
  await migrate(database)
  await database.close()
  const thread = await PgliteThread.open({ dataDir })
  // Half of the files, which nothing opens: each test would unpack them.
  await thread.query('update pg_database set datistemplate = false', [])
  for (const name of ['template0', 'template1']) await thread.query(`drop database ${name}`, [])
  // All that a test has fits into a part of what PGlite would clear for it.
  await thread.query(`alter system set shared_buffers = '16MB'`, [])
  await writeFile(path.join(within, 'pglite.tar'), await thread.dump())
  await thread.close()
}
