import { parseArgs } from 'node:util'
import { systemClock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import { replaceRootKey } from '../people/install.ts'
import { readPrivateFile } from './data-directory.ts'
import { createLogger } from './logger.ts'
import { rootKeyFile, rootKeySource } from './root-key-file.ts'
import { runCommand } from './run-command.ts'
import { readSettings } from './settings.ts'
import { groundOf, openInstallation } from './start.ts'

const usage =
  'Usage: npm run root-key            where the root key is\n       npm run root-key -- --new   a new one in place of a lost one, which ends at once'

await runCommand(async () => {
  const { values } = readArguments()
  const settings = readSettings(process.env, process.cwd())
  const file = rootKeyFile(settings)
  if (!values.new) {
    console.log(`${readPrivateFile(file) === null ? 'There is no file' : 'The root key is in'} ${file}\n\n${usage}`)
    return
  }
  const installation = await openInstallation(settings, systemClock, createLogger('warn'))
  try {
    await replaceRootKey(groundOf(installation.database, settings), rootKeySource(settings))
  } finally {
    await installation.close()
  }
  if (settings.rootKey !== null)
    console.log('The root key is now the one that is set in KEYTURN_ROOT_KEY. The former one has ended.')
  else {
    console.log(`The new root key is in ${file}. The former one has ended.`)
    if (process.stdout.isTTY) console.log(readPrivateFile(file))
  }
})

function readArguments() {
  try {
    return parseArgs({ options: { new: { type: 'boolean' } } })
  } catch {
    throw new StartError(usage)
  }
}
