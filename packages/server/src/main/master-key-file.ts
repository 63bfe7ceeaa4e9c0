import { existsSync } from 'node:fs'
import path from 'node:path'
import { StartError } from '../kernel/errors.ts'
import { MasterKey } from '../kernel/master-key.ts'
import { randomOctets } from '../kernel/random.ts'
import { readPrivateFile, writePrivateFile } from './data-directory.ts'
import { embeddedDirectory } from './open-database.ts'
import { parseMasterKey, type Settings } from './settings.ts'

/**
 * As set; else from its file in the data directory, which is written at the first start, before the database is made.
 *
 * @throws StartError where the database is there and its master key is not
 */
export function loadMasterKey(settings: Settings): MasterKey {
  if (settings.masterKey !== null) return new MasterKey(settings.masterKey)
  const file = path.join(settings.dataDir, 'master-key')
  const kept = readPrivateFile(file)
  if (kept !== null) return new MasterKey(parseMasterKey(kept, file))
  if (existsSync(embeddedDirectory(settings))) {
    throw new StartError(
      `KEYTURN_MASTER_KEY is not set and ${file} is gone; restore the file, or set the master key this database was made with.`,
    )
  }
  const octets = randomOctets(32)
  writePrivateFile(file, octets.toString('hex'))
  return new MasterKey(octets)
}
