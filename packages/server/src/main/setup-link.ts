import { existsSync } from 'node:fs'
import { systemClock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import { isSetUp, setUpLink } from '../people/set-up.ts'
import { createLogger } from './logger.ts'
import { loadMasterKey } from './master-key-file.ts'
import { embeddedDirectory, openDatabase } from './open-database.ts'
import { runCommand } from './run-command.ts'
import { readSettings, type Settings } from './settings.ts'

/** Prints another set-up link, beside a running server too: it is made from the master key alone. */
await runCommand(async () => {
  const settings = readSettings(process.env, process.cwd())
  if (settings.databaseUrl === null && !existsSync(embeddedDirectory(settings))) {
    throw new StartError('KEYTURN_DATA_DIR holds no installation yet; npm start makes one, and prints the link.')
  }
  const masterKey = loadMasterKey(settings)
  if (await isKnownToBeSetUp(settings)) {
    console.log('Somebody has signed up already: owners and administrators invite others.')
    return
  }
  const link = setUpLink(masterKey, settings.publicUrl, systemClock.wallTime())
  console.log(`Open this to begin: ${link}\n\nIt works for an hour, and as long as nobody has signed up.`)
})

/** Where the database can be asked by two at once. The embedded one cannot; there the link itself says so. */
async function isKnownToBeSetUp(settings: Settings): Promise<boolean> {
  if (settings.databaseUrl === null) return false
  const opened = await openDatabase(settings, systemClock, createLogger('warn'))
  try {
    return await isSetUp(opened.database.reader)
  } finally {
    await opened.close()
  }
}
