import { parseArgs } from 'node:util'
import { systemClock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import { replaceRootKey } from '../people/install.ts'
import type { Database } from '../storage/database.ts'
import { Propagation } from '../verification/propagation.ts'
import { readPrivateFile } from './data-directory.ts'
import { createLogger } from './logger.ts'
import { rootKeyFile, rootKeySource } from './root-key-file.ts'
import { runCommand } from './run-command.ts'
import { readSettings } from './settings.ts'
import { groundOf, openInstallation } from './start.ts'

const usage =
  'Usage: npm run root-key            where the root key is\n       npm run root-key -- --new   a new one in place of a lost one, which ends at once'

/** As long as a revocation is waited for. */
const waitMs = 25_000

await runCommand(async () => {
  const { values } = readArguments()
  const settings = readSettings(process.env, process.cwd())
  const file = rootKeyFile(settings)
  if (!values.new) {
    console.log(`${readPrivateFile(file) === null ? 'There is no file' : 'The root key is in'} ${file}\n\n${usage}`)
    return
  }
  const installation = await openInstallation(settings, systemClock, createLogger('warn'))
  let former: string
  try {
    await replaceRootKey(groundOf(installation.database, settings, installation.masterKey), rootKeySource(settings))
    former = await endOfFormer(installation.database)
  } finally {
    await installation.close()
  }
  if (settings.rootKey !== null) console.log(`The root key is now the one that is set in KEYTURN_ROOT_KEY. ${former}`)
  else {
    console.log(`The new root key is in ${file}. ${former}`)
    if (process.stdout.isTTY) console.log(readPrivateFile(file))
  }
})

/** Waits for every running server to refuse it. An embedded database has none beside this process. */
async function endOfFormer({ reader, capabilities }: Database): Promise<string> {
  if (!capabilities.shared) return 'The former one has ended.'
  const propagation = new Propagation(reader, null, systemClock)
  const { complete, pending } = await propagation.wait(await propagation.newest(), waitMs)
  return complete
    ? 'The former one has ended: every running server refuses it.'
    : `The former one has ended, but these servers have not said so, and may accept it until they lose their lease: ${pending.join(', ')}.`
}

function readArguments() {
  try {
    return parseArgs({ options: { new: { type: 'boolean' } } })
  } catch {
    throw new StartError(usage)
  }
}
