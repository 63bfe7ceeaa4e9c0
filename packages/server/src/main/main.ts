import { setFlagsFromString } from 'node:v8'
import { systemClock } from '../kernel/clock.ts'
import { createLogger } from './logger.ts'
import { rootKeyFile } from './root-key-file.ts'
import { runCommand } from './run-command.ts'
import { readSettings } from './settings.ts'
import { type Running, start } from './start.ts'
import { stopOnSignals } from './stop-on-signals.ts'

// Most of what a node remembers lies outside of V8's heap, which by V8's own rule would grow to several times what is used of it.
// It may grow to twice that: with a fifth more, as it was before, half of an import's time went into collecting garbage.
setFlagsFromString('--heap-growing-percent=100')

await runCommand(async () => {
  const settings = readSettings(process.env, process.cwd())
  const log = createLogger(settings.logLevel)
  const running = await start(settings, systemClock, log)
  stopOnSignals(running.stop)
  print(running, settings.rootKey !== null ? null : rootKeyFile(settings))
})

function print({ address, place, rootKey, setUpLink }: Running, keyFile: string | null): void {
  const where = keyFile === null ? 'as set in KEYTURN_ROOT_KEY' : `in ${keyFile}`
  const key =
    rootKey === 'differs'
      ? 'KEYTURN_ROOT_KEY is not the root key of this installation; `npm run root-key -- --new` makes it so'
      : `the root key is ${where}${rootKey === 'made' ? ' (made just now)' : ''}`
  const bearer = keyFile === null ? '$KEYTURN_ROOT_KEY' : `$(cat ${keyFile})`
  console.log(`
  Keyturn is ready.

  Open    ${address}
  API     ${address}/docs, to read and to try
  Data    ${place}
  Key     for scripts: ${key}
  Call    curl -H "Authorization: Bearer ${bearer}" ${address}/v1/projects/default/keys

  Ctrl-C ends it.${setUpLink === null ? '' : `\n\n  Open this to begin: ${setUpLink}`}
`)
}
