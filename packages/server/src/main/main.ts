import { systemClock } from '../kernel/clock.ts'
import { createLogger } from './logger.ts'
import { rootKeyFile } from './root-key-file.ts'
import { runCommand } from './run-command.ts'
import { readSettings } from './settings.ts'
import { type Running, start } from './start.ts'

await runCommand(async () => {
  const settings = readSettings(process.env, process.cwd())
  const log = createLogger(settings.logLevel)
  const running = await start(settings, systemClock, log)
  stopOnSignals(running)
  print(running, settings.rootKey !== null ? null : rootKeyFile(settings))
})

function print({ address, place, madeRootKey }: Running, keyFile: string | null): void {
  const key = keyFile === null ? 'as set in KEYTURN_ROOT_KEY' : `in ${keyFile}`
  const call =
    keyFile === null
      ? ''
      : `\n  Try     curl -H "Authorization: Bearer $(cat ${keyFile})" ${address}/v1/projects/default/keys\n`
  console.log(`
  Keyturn is ready.

  Open    ${address}/docs
  Data    ${place}
  Key     the root key is ${key}${madeRootKey ? ' (made just now)' : ''}
${call}
  Ctrl-C ends it.
`)
}

/** The first signal ends it in order, a second one at once. */
function stopOnSignals(running: Running): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    console.log(`${signal}: Keyturn is stopping.`)
    void running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
