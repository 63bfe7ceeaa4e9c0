// Preloaded into a program: it dies where it would begin to write a file, as in a power cut.
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const { open } = promises
promises.open = (path, flags, mode) =>
  flags === 'w' ? process.kill(process.pid, 'SIGKILL') && new Promise(() => {}) : open(path, flags, mode)
syncBuiltinESMExports()
