import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { ConsoleFile, ConsoleFiles } from '../http/console-files.ts'

// What `npm start` builds before it starts a server (scripts/ensure-console.mjs): each build in a directory of its own, and a file that
// names the newest.
const builds = path.resolve(import.meta.dirname, '..', '..', '..', 'console', 'dist')

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The console as it was built last, held in memory: a later build changes nothing under a running server. @returns null: none was */
export function loadConsole(): ConsoleFiles | null {
  try {
    const directory = path.join(builds, readFileSync(path.join(builds, 'current'), 'utf8').trim())
    const files = new Map<string, ConsoleFile>()
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      const type = types[path.extname(name)]
      if (type === undefined) continue
      const read = (ending: string) => new Uint8Array(readFileSync(path.join(directory, `${name}${ending}`)))
      files.set(name.split(path.sep).join('/'), { type, plain: read(''), gzip: read('.gz'), brotli: read('.br') })
    }
    return files.has('index.html') ? files : null
  } catch {
    return null
  }
}
