import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresDatabase, engines } from '../../test/support/engines.ts'
import { systemClock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import { type Database, openPostgres } from './database.ts'
import { migrate, pendingMigrations } from './migrate.ts'

describe.each(engines)('migrations, on $name', (engine) => {
  let database: Database
  beforeAll(async () => {
    database = await engine.open()
  })
  afterAll(() => database.close())

  it('that have run are not run again, and nothing is pending', async () => {
    expect(await pendingMigrations(database.reader)).toEqual([])
    await migrate(database)
    expect(await pendingMigrations(database.reader)).toEqual([])
  })

  it('of a newer version stop this one, with a sentence that says what to do', async () => {
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`.execute(
      database.reader,
    )
    const refused = migrate(database)
    await expect(refused).rejects.toBeInstanceOf(StartError)
    await expect(refused).rejects.toThrow(/newer than this version .* 9999-later.* start the version that made it/)
  })
})

describe('migrations of an empty PostgreSQL', () => {
  it('run once, however many begin at the same moment', async () => {
    const { url, drop } = await createPostgresDatabase({ empty: true })
    const databases = Array.from({ length: 20 }, () => openPostgres(url, systemClock, () => {}, 2))
    try {
      const [first] = databases
      expect(first && (await pendingMigrations(first.reader))).not.toEqual([])
      await Promise.all(databases.map((database) => migrate(database)))
      for (const database of databases) expect(await pendingMigrations(database.reader)).toEqual([])
    } finally {
      for (const database of databases) await database.close()
      await drop()
    }
  })
})
